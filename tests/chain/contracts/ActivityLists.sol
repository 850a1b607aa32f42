// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// Doubly linked lists of activities, by the id of the list. An activity is in one list at most. Every step costs the same, however long a list is.
abstract contract ActivityLists {
    struct Ends {
        bytes32 first;
        bytes32 last;
    }

    struct Links {
        bytes32 list; // 0: in none
        bytes32 before;
        bytes32 next;
    }

    mapping(bytes32 => Ends) internal ends;
    mapping(bytes32 => Links) internal links;

    function _append(bytes32 list, bytes32 id) internal {
        Ends storage e = ends[list];
        links[id] = Links(list, e.last, 0);
        if (e.last == 0) e.first = id;
        else links[e.last].next = id;
        e.last = id;
    }

    function _remove(bytes32 id) internal {
        Links memory l = links[id];
        if (l.list == 0) return;
        Ends storage e = ends[l.list];
        if (l.before == 0) e.first = l.next;
        else links[l.before].next = l.next;
        if (l.next == 0) e.last = l.before;
        else links[l.next].before = l.before;
        delete links[id];
    }
}
