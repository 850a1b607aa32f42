"""A worker: a registry that can be served. Each server is imported when it is first wanted: who serves over REST needs no gRPC."""
from .registry import Registry


class Worker(Registry):
    """What a process can do, and how it is reached."""

    def start(self, address, slots=1, tls=None, insecure=False, limits=None):
        """A gRPC server of this worker, which is there at once and runs in threads of its own: see GrpcServer. Port 0 takes a free one."""
        from .grpc_server import GrpcServer
        return GrpcServer(self, address, slots, tls, insecure, limits)

    def start_rest(self, address, slots=1, tls=None, insecure=False, limits=None, callback=None):
        """The same over REST, without gRPC: see RestServer."""
        from .rest_server import RestServer
        return RestServer(self, address, slots, tls, insecure, limits, callback)

    def serve(self, address="127.0.0.1:7070", slots=1, tls=None, insecure=False, grace=30.0, limits=None):
        """Serves over gRPC until SIGTERM or SIGINT; then ends what is in hand, for at most `grace` seconds. Of the main thread only. A second signal ends the process at once."""
        from .serving import serve_until_told
        serve_until_told(lambda: self.start(address, slots, tls, insecure, limits), grace)

    def serve_rest(self, address="127.0.0.1:7071", slots=1, tls=None, insecure=False, grace=30.0, limits=None, callback=None):
        """The same over REST. `callback` is the URL of a host: completions are posted to {callback}/tasks/{id}/complete."""
        from .serving import serve_until_told
        serve_until_told(lambda: self.start_rest(address, slots, tls, insecure, limits, callback), grace)
