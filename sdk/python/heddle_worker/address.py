"""Where a server listens, and with which certificates."""
import ipaddress
from dataclasses import dataclass


@dataclass(frozen=True)
class Tls:
    """Paths of PEM files. With `client_ca`, only clients with a certificate of that authority are served (mTLS)."""
    certificate: str
    key: str
    client_ca: str = ""

    def contents(self):
        """(key, certificate chain, the clients' authority or None). OSError."""
        return _read(self.key), _read(self.certificate), _read(self.client_ca) if self.client_ca else None


def tls_of(given):
    """None, a Tls, or a dict or a tuple of its members."""
    if given is None or isinstance(given, Tls):
        return given
    return Tls(**given) if isinstance(given, dict) else Tls(*given)


def split(address):
    """(host, port) of "host:port" or "[::1]:port". ValueError."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError(f'"{address}" is not an address, such as 127.0.0.1:7070')
    return host.strip("[]"), int(port)


def join(host, port):
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def check_plain(host, tls, insecure):
    """ValueError: others could listen, and nobody has said that they may."""
    if tls is None and not insecure and not _is_loopback(host):
        raise ValueError(f"{host} is not a loopback address: what is said there in plain text others can read. Give tls=…, or insecure=True")


def _is_loopback(host):
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read(path):
    with open(path, "rb") as file:
        return file.read()
