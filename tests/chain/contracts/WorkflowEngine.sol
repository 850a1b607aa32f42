// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {TaskQueue} from "./TaskQueue.sol";

/// Workflows: activities one after the other, each with the result of the one before as its input. Whoever likes says that it is time to go on.
contract WorkflowEngine {
    enum State {
        None,
        Running,
        Completed,
        Failed
    }

    struct Workflow {
        string queueName;
        uint16 partitionId;
        address[] steps; // the type of each activity
        uint256 at; // the step that runs, or ran last
        bytes32 activityId; // of that step
        State state;
    }

    error NoSteps();
    error NoSuchWorkflow(bytes32 workflowInstanceId);
    error WorkflowOver(bytes32 workflowInstanceId);
    error StillRunning(bytes32 workflowInstanceId, bytes32 activityId);

    event WorkflowStarted(bytes32 indexed workflowInstanceId, uint256 steps);
    event WorkflowResumed(bytes32 indexed workflowInstanceId, uint256 step, bytes32 activityId);
    event WorkflowCompleted(bytes32 indexed workflowInstanceId, bytes resultData);
    event WorkflowFailed(bytes32 indexed workflowInstanceId, uint256 step);

    TaskQueue public immutable taskQueue;
    uint256 private started;
    mapping(bytes32 => Workflow) private workflows;

    constructor(TaskQueue queue) {
        taskQueue = queue;
    }

    function startWorkflow(string calldata queueName, uint16 partitionId, address[] calldata steps, bytes calldata input) external returns (bytes32 id) {
        if (steps.length == 0) revert NoSteps();
        id = keccak256(abi.encode(address(this), block.chainid, ++started));
        Workflow storage w = workflows[id];
        (w.queueName, w.partitionId, w.steps, w.state) = (queueName, partitionId, steps, State.Running);
        emit WorkflowStarted(id, steps.length);
        _enqueue(id, w, input);
    }

    function resumeWorkflow(bytes32 id) external {
        Workflow storage w = workflows[id];
        if (w.state == State.None) revert NoSuchWorkflow(id);
        if (w.state != State.Running) revert WorkflowOver(id);
        TaskQueue.Activity memory a = taskQueue.getActivity(w.activityId);
        if (!a.isCompleted) revert StillRunning(id, w.activityId);
        if (!a.success) {
            w.state = State.Failed;
            emit WorkflowFailed(id, w.at);
        } else if (w.at + 1 == w.steps.length) {
            w.state = State.Completed;
            emit WorkflowCompleted(id, a.resultData);
        } else {
            w.at++;
            _enqueue(id, w, a.resultData);
        }
    }

    function getWorkflow(bytes32 id) external view returns (Workflow memory) {
        return workflows[id];
    }

    function _enqueue(bytes32 id, Workflow storage w, bytes memory input) private {
        w.activityId = taskQueue.enqueue(w.queueName, w.partitionId, id, w.steps[w.at], input, 0, 0, 1);
        emit WorkflowResumed(id, w.at, w.activityId);
    }
}
