"""A small web server for tests: what it answers is a function of the request; whom it was asked by stands in `asked`."""
import http.server
import threading


class Web:
    """`answers`: path → what to answer: (status, fields, body), bytes, or a function of the request that writes it all by itself."""

    def __init__(self, case, answers):
        self.answers, self.asked, self.over = answers, [], threading.Event()
        web = self

        class Asked(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                web.asked.append((self.path, dict(self.headers)))
                answer = web.answers.get(self.path.split("?")[0], (404, {}, b"nothing here"))
                if callable(answer):
                    return answer(self)
                status, fields, body = answer if isinstance(answer, tuple) else (200, {}, answer)
                self.send_response(status)
                for name, text in {"Content-Length": str(len(body)), **fields}.items():
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Asked)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()
        case.addCleanup(self.stop)

    def paths(self):
        return [path for path, _ in self.asked]

    def stop(self):
        self.over.set()
        if self.thread.is_alive():
            self.server.shutdown()
            self.thread.join()
            self.server.server_close()
