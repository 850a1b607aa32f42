// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// Who may work, and which version of the contracts this is. The owner says both.
contract SubnetControlPlane {
    error NotOwner(address caller);

    event WorkerActivated(address indexed worker);
    event WorkerDeactivated(address indexed worker);

    address public immutable owner;
    string private version;
    mapping(address => bool) private active;

    constructor(string memory protocolVersion) {
        owner = msg.sender;
        version = protocolVersion;
    }

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        _;
    }

    function isWorkerActive(address worker) external view returns (bool) {
        return active[worker];
    }

    function getProtocolVersion() external view returns (string memory) {
        return version;
    }

    function activateWorker(address worker) external onlyOwner {
        active[worker] = true;
        emit WorkerActivated(worker);
    }

    function deactivateWorker(address worker) external onlyOwner {
        active[worker] = false;
        emit WorkerDeactivated(worker);
    }

    function setProtocolVersion(string calldata protocolVersion) external onlyOwner {
        version = protocolVersion;
    }
}
