// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {ActivityLists} from "./ActivityLists.sol";
import {SubnetControlPlane} from "./SubnetControlPlane.sol";

/// Queues of activities. A worker claims one, has a lease on it that each heartbeat renews, and completes it or fails it. When the lease has ended, another may claim it.
///
/// With a quorum of n, an activity is completed when n different workers have said the same result, one after the other; a failure is a result like any other. After 2n - 1 that do not
/// agree it has failed. However it ends, it ends once: one ActivityCompleted or one ActivityFailed.
contract TaskQueue is ActivityLists {
    struct Activity {
        bytes32 activityId;
        bytes32 workflowInstanceId;
        address activityType;
        bytes inputData;
        bytes initData;
        bytes resultData;
        uint256 createdAt;
        uint256 expiresAt; // 0: never
        address requester;
        address assignedWorker;
        uint256 assignedAt;
        uint256 lastHeartbeat; // the claim counts as the first
        uint8 progress;
        bool isAssigned;
        bool isCompleted; // it is over, well or not
        bool success;
    }

    struct Terms {
        bytes32 queue;
        uint8 priority;
        uint8 quorum;
        uint8 votes;
    }

    error NoSuchActivity(bytes32 activityId);
    error AlreadyCompleted(bytes32 activityId);
    error AlreadyClaimed(bytes32 activityId, address assignedWorker);
    error AlreadyVoted(bytes32 activityId, address worker);
    error Expired(bytes32 activityId, uint256 expiresAt);
    error NotActive(address worker);
    error NotYours(bytes32 activityId, address assignedWorker);
    error LeaseEnded(bytes32 activityId, uint256 leaseUntil);
    error BadProgress(uint8 progress);
    error BadPriority(uint8 priority);
    error BadQuorum(uint8 quorum);

    event ActivityEnqueued(bytes32 indexed activityId, string queueName, uint16 partitionId);
    event ActivityClaimed(bytes32 indexed activityId, address indexed worker);
    event ActivityHeartbeat(bytes32 indexed activityId, address indexed worker, uint8 progress);
    event ActivityVoted(bytes32 indexed activityId, address indexed worker);
    event ActivityCompleted(bytes32 indexed activityId, address indexed worker);
    event ActivityFailed(bytes32 indexed activityId, address indexed worker, string reason);

    uint8 public constant HIGHEST_PRIORITY = 9;
    uint8 public constant HIGHEST_QUORUM = 100;
    uint256 private constant LOOK = 16; // so many from the front of a list are looked at, for one that the asking worker may have
    uint256 private constant SWEEP = 4; // so many that have expired are cleared away by whoever enqueues or claims
    bytes32 private constant FAILURE = keccak256("failure"); // what a vote for failure is counted as; no result has this hash that anybody knows

    SubnetControlPlane public immutable controlPlane;
    uint256 public immutable leaseSeconds;

    uint256 private enqueued;
    mapping(bytes32 => Activity) private activities;
    mapping(bytes32 => Terms) private terms;
    mapping(bytes32 => mapping(address => bool)) private voted;
    mapping(bytes32 => mapping(bytes32 => uint8)) private tally; // votes for a result, by its hash
    mapping(address => bytes32[]) private held;
    mapping(bytes32 => uint256) private heldAt; // where in `held` of its worker it is

    constructor(SubnetControlPlane plane, uint256 lease) {
        controlPlane = plane;
        leaseSeconds = lease;
    }

    // --- Those who want work done ---

    function enqueue(
        string calldata queueName, uint16 partitionId, bytes32 workflowInstanceId, address activityType, bytes calldata inputData, uint256 expiresAt, uint8 priority, uint8 quorum
    ) public returns (bytes32 id) {
        if (priority > HIGHEST_PRIORITY) revert BadPriority(priority);
        if (quorum == 0 || quorum > HIGHEST_QUORUM) revert BadQuorum(quorum);
        bytes32 queue = _queue(queueName, partitionId);
        _sweep(queue, priority);
        id = keccak256(abi.encode(address(this), block.chainid, ++enqueued));
        Activity storage a = activities[id];
        a.activityId = id;
        a.workflowInstanceId = workflowInstanceId;
        a.activityType = activityType;
        a.inputData = inputData;
        a.createdAt = block.timestamp;
        a.expiresAt = expiresAt;
        a.requester = msg.sender;
        terms[id] = Terms(queue, priority, quorum, 0);
        _append(_list(queue, priority, false), id);
        emit ActivityEnqueued(id, queueName, partitionId);
    }

    /// One activity for each input, of priority 0 and quorum 1, that never expires.
    function enqueueMany(string calldata queueName, uint16 partitionId, address activityType, bytes[] calldata inputs) external {
        for (uint256 i = 0; i < inputs.length; i++) enqueue(queueName, partitionId, 0, activityType, inputs[i], 0, 0, 1);
    }

    // --- Those who do it ---

    /// The highest priority first, then those whose lease ended, then the oldest; none that the asking worker has voted on.
    function pollActivity(string calldata queueName, uint16 partitionId) external view returns (Activity memory activity, bool hasActivity) {
        bytes32 queue = _queue(queueName, partitionId);
        for (uint256 p = HIGHEST_PRIORITY + 1; p > 0 && !hasActivity; p--) {
            bytes32 id = _free(_list(queue, uint8(p - 1), true));
            if (id == 0) id = _free(_list(queue, uint8(p - 1), false));
            if (id != 0) (activity, hasActivity) = (activities[id], true);
        }
    }

    function claimActivity(bytes32 id) external returns (bool) {
        if (!controlPlane.isWorkerActive(msg.sender)) revert NotActive(msg.sender);
        Activity storage a = _unfinished(id);
        if (_hasExpired(a)) revert Expired(id, a.expiresAt);
        if (voted[id][msg.sender]) revert AlreadyVoted(id, msg.sender);
        if (a.isAssigned) {
            if (block.timestamp < leaseUntil(id)) revert AlreadyClaimed(id, a.assignedWorker);
            _unhold(id, a.assignedWorker);
        }
        Terms storage t = terms[id];
        _remove(id);
        _append(_list(t.queue, t.priority, true), id);
        (a.isAssigned, a.assignedWorker, a.assignedAt, a.lastHeartbeat, a.progress) = (true, msg.sender, block.timestamp, block.timestamp, 0);
        heldAt[id] = held[msg.sender].length;
        held[msg.sender].push(id);
        _sweep(t.queue, t.priority);
        emit ActivityClaimed(id, msg.sender);
        return true;
    }

    function heartbeatActivity(bytes32 id, uint8 progress) external {
        Activity storage a = _mine(id);
        if (progress > 100) revert BadProgress(progress);
        (a.lastHeartbeat, a.progress) = (block.timestamp, progress);
        bytes32 list = links[id].list;
        _remove(id); // the list is by the end of the leases
        _append(list, id);
        emit ActivityHeartbeat(id, msg.sender, progress);
    }

    function completeActivity(bytes32 id, bytes calldata result) external {
        Activity storage a = _mine(id);
        if (!_vote(id, keccak256(result))) return _offerAgain(id, a);
        (a.resultData, a.success, a.progress) = (result, true, 100);
        _finish(id, a);
        emit ActivityCompleted(id, msg.sender);
    }

    function failActivity(bytes32 id, string calldata reason) external {
        Activity storage a = _mine(id);
        if (!_vote(id, FAILURE)) return _offerAgain(id, a);
        _finish(id, a);
        emit ActivityFailed(id, msg.sender, reason);
    }

    // --- Those who look ---

    function getActivity(bytes32 id) external view returns (Activity memory) {
        return activities[id];
    }

    /// What is assigned to a worker and not over, whether its lease has ended or not, in no order.
    function getWorkerActivities(address worker) external view returns (bytes32[] memory) {
        return held[worker];
    }

    /// The first second in which the lease is no more; 0: there is none.
    function leaseUntil(bytes32 id) public view returns (uint256) {
        Activity storage a = activities[id];
        if (!a.isAssigned || a.isCompleted) return 0;
        uint256 end = a.lastHeartbeat + leaseSeconds;
        return a.expiresAt != 0 && a.expiresAt < end ? a.expiresAt : end;
    }

    function getPriority(bytes32 id) external view returns (uint8) {
        return terms[id].priority;
    }

    function getQuorum(bytes32 id) external view returns (uint8 quorum, uint8 votes) {
        return (terms[id].quorum, terms[id].votes);
    }

    // --- Within ---

    function _queue(string calldata name, uint16 partition) private pure returns (bytes32) {
        return keccak256(abi.encode(name, partition));
    }

    function _list(bytes32 queue, uint8 priority, bool leased) private pure returns (bytes32) {
        return keccak256(abi.encode(queue, priority, leased));
    }

    function _hasExpired(Activity storage a) private view returns (bool) {
        return a.expiresAt != 0 && block.timestamp >= a.expiresAt;
    }

    function _free(bytes32 list) private view returns (bytes32 id) {
        id = ends[list].first;
        for (uint256 i = 0; i < LOOK && id != 0; i++) {
            if (block.timestamp >= leaseUntil(id) && !_hasExpired(activities[id]) && !voted[id][msg.sender]) return id;
            id = links[id].next;
        }
        return 0;
    }

    function _unfinished(bytes32 id) private view returns (Activity storage a) {
        a = activities[id];
        if (a.activityId == 0) revert NoSuchActivity(id);
        if (a.isCompleted) revert AlreadyCompleted(id);
    }

    function _mine(bytes32 id) private view returns (Activity storage a) {
        a = _unfinished(id);
        if (!a.isAssigned || a.assignedWorker != msg.sender) revert NotYours(id, a.assignedWorker);
        uint256 end = leaseUntil(id);
        if (block.timestamp >= end) revert LeaseEnded(id, end);
    }

    /// Counts the vote of the sender; true: it decides.
    function _vote(bytes32 id, bytes32 outcome) private returns (bool) {
        voted[id][msg.sender] = true;
        terms[id].votes++;
        return ++tally[id][outcome] >= terms[id].quorum;
    }

    /// It has not been decided: others are asked, or it has been enough.
    function _offerAgain(bytes32 id, Activity storage a) private {
        Terms storage t = terms[id];
        emit ActivityVoted(id, msg.sender);
        if (t.votes >= 2 * t.quorum - 1) {
            _finish(id, a);
            emit ActivityFailed(id, msg.sender, "no quorum");
            return;
        }
        _remove(id);
        _unhold(id, msg.sender);
        (a.isAssigned, a.assignedWorker, a.assignedAt, a.lastHeartbeat, a.progress) = (false, address(0), 0, 0, 0);
        _append(_list(t.queue, t.priority, false), id);
    }

    function _finish(bytes32 id, Activity storage a) private {
        a.isCompleted = true;
        _remove(id);
        if (a.isAssigned) _unhold(id, a.assignedWorker);
    }

    function _unhold(bytes32 id, address worker) private {
        bytes32[] storage all = held[worker];
        bytes32 last = all[all.length - 1];
        all[heldAt[id]] = last;
        heldAt[last] = heldAt[id];
        all.pop();
        delete heldAt[id];
    }

    /// Fails what has expired, a few at a time, so that it does not lie before others.
    function _sweep(bytes32 queue, uint8 priority) private {
        _sweep(_list(queue, priority, true));
        _sweep(_list(queue, priority, false));
    }

    function _sweep(bytes32 list) private {
        for (uint256 i = 0; i < SWEEP; i++) {
            bytes32 id = ends[list].first;
            if (id == 0 || !_hasExpired(activities[id])) return;
            _finish(id, activities[id]);
            emit ActivityFailed(id, address(0), "expired");
        }
    }
}
