"""Sidecars for nsn_test. Usage: nsn_sidecar.py whole|bare|slow|full PORT [FOLDER]: says its port on stdout when it serves, then each call that changes something, a line each.

whole: all of the protocol. bare: ExecuteTask only. slow: whole, but not well the first two times that it is asked. full: whole, but loads no model. What a task does, its plugin's name says.
With FOLDER, over TLS: its certificate is server.pem there, and who comes must be known to ca.pem.
"""
import logging
import pathlib
import sys
import threading
from concurrent import futures

import grpc
from nsn import sidecar_pb2 as pb

lock, said = threading.Condition(), threading.Lock()
tasks = {}  # id → state, how often it was asked for, whether it was cancelled
asked_for_health = 0
models = {"resident": "hot"}


def say(*words):
    with said:
        print(*words, flush=True)


def wait_for(condition):
    with lock:
        lock.wait_for(condition, 600)


def execute(task, context):
    kind, mine = task.plugin_name, tasks.setdefault(task.task_id, {"state": "running", "polls": 0, "cancelled": False})
    if kind == "echo":
        return pb.ExecuteTaskResponse(success=True, output_cid=task.input_cid, result_metadata=task.parameters)
    if kind == "said":
        return pb.ExecuteTaskResponse(success=True, output_cid=f"{task.task_id} {task.model_id} {task.lane} {task.timeout_ms} {task.callback_endpoint}".strip())
    if kind == "fail":
        return pb.ExecuteTaskResponse(success=False, error_message="cannot do it")
    if kind == "big":
        return pb.ExecuteTaskResponse(success=True, result_metadata=b"x" * (64 << 20))
    if kind == "garbage":
        return b"\xff\xff\xff\xff"
    if kind == "unknown":
        context.abort(grpc.StatusCode.NOT_FOUND, "no plugin of that name")
    if kind == "invalid":
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "not like that")
    if kind == "exists":
        context.abort(grpc.StatusCode.ALREADY_EXISTS, "it is here already")
    if kind == "dropped":
        context.abort(grpc.StatusCode.UNAVAILABLE, "broken off")
    if kind == "steps":
        wait_for(lambda: mine["polls"] >= 2)
        return pb.ExecuteTaskResponse(success=True)
    if kind == "wait":
        say("waits", task.task_id)
        wait_for(lambda: mine["cancelled"])
        mine["state"] = "cancelled"
        return pb.ExecuteTaskResponse(success=False, error_message="cancelled")
    say("waits", task.task_id)  # "stubborn": whatever is asked of it
    wait_for(lambda: mine["polls"] >= 2 and mine["cancelled"])
    mine["state"] = "cancelled"
    return pb.ExecuteTaskResponse(success=False)


def status(asked, context):
    with lock:
        mine = tasks.get(asked.task_id)
        if mine is None:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such task")
        mine["polls"] += 1
        lock.notify_all()
        if asked.task_id.startswith("exists") and mine["polls"] == 2:
            return pb.GetTaskStatusResponse(status="failed", error_message="it failed long ago")
        if asked.task_id.startswith("dropped") and mine["polls"] == 2:
            mine["state"] = "completed"
        return pb.GetTaskStatusResponse(status=mine["state"], progress=mine["polls"] / 4, current_stage="step %d" % mine["polls"])


def cancel(asked, context):
    with lock:
        mine = tasks.get(asked.task_id)
        if mine is None:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such task")
        mine["cancelled"] = True
        lock.notify_all()
    say("CancelTask", asked.task_id, asked.reason)
    return pb.CancelTaskResponse(success=True, was_running=True)


def health(asked, _):
    global asked_for_health
    with lock:
        asked_for_health += 1
        well = sys.argv[1] != "slow" or asked_for_health > 2
    answer = pb.HealthCheckResponse(healthy=well, status="idle" if well else "starting", uptime_seconds=7)
    if asked.include_metrics:
        answer.metrics.memory_used_bytes = 4096
    return answer


def start(asked, _):
    limits = asked.resource_limits
    say("StartContainer", asked.container_id, asked.image_cid, ",".join(asked.gpu_ids), dict(asked.env_vars), limits.memory_bytes, limits.cpu_shares, limits.vram_limit_gb)
    return pb.StartContainerResponse(success=True)


def stop(asked, _):
    say("StopContainer", asked.container_id, asked.force, asked.timeout_seconds)
    return pb.StopContainerResponse(success=True)


def load(asked, _):
    say("LoadModel", asked.model_id, asked.container_id, asked.priority, asked.config.decode())
    if sys.argv[1] == "full":
        return pb.LoadModelResponse(success=False, error_message="no VRAM is left")
    models[asked.model_id] = "hot"
    return pb.LoadModelResponse(success=True)


def unload(asked, _):
    say("UnloadModel", asked.model_id, asked.wait)
    return pb.UnloadModelResponse(success=True)


def loaded(_, __):
    return pb.GetLoadedModelsResponse(models=[pb.LoadedModel(model_id=model, state=state) for model, state in models.items()])


def plugins(asked, _):
    return pb.ListPluginsResponse(plugins=[pb.PluginInfo(name="echo"), pb.PluginInfo(name=f"of lane {asked.lane}")])


def vram(_, __):
    return pb.GetVramStatusResponse(total_vram_gb=24, used_vram_gb=8, available_vram_gb=16, gpu_statuses=[pb.GpuStatus(gpu_id="0", gpu_name="a GPU")])


def credentials(folder):
    key, certificate, ca = (pathlib.Path(folder, name).read_bytes() for name in ("server.key", "server.pem", "ca.pem"))
    return grpc.ssl_server_credentials([(key, certificate)], root_certificates=ca, require_client_auth=True)


CALLS = {"ExecuteTask": execute, "GetTaskStatus": status, "CancelTask": cancel, "HealthCheck": health, "StartContainer": start, "StopContainer": stop, "LoadModel": load,
         "UnloadModel": unload, "GetLoadedModels": loaded, "ListPlugins": plugins, "GetVramStatus": vram}

if __name__ == "__main__":
    logging.disable()  # what the calls abort with is meant
    calls = {"ExecuteTask": execute} if sys.argv[1] == "bare" else CALLS
    handlers = {name: grpc.unary_unary_rpc_method_handler(call, getattr(pb, name + "Request").FromString, lambda m: m if isinstance(m, bytes) else m.SerializeToString())
                for name, call in calls.items()}
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=32), options=[("grpc.max_send_message_length", -1), ("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("nsn.sidecar.Sidecar", handlers),))
    place = f"127.0.0.1:{sys.argv[2]}"
    port = server.add_secure_port(place, credentials(sys.argv[3])) if len(sys.argv) > 3 else server.add_insecure_port(place)
    server.start()
    say(port)
    server.wait_for_termination()
