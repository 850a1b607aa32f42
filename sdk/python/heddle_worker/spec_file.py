"""The YAML of an activity spec, read as the host reads it: a number stays the text that was written (1.10 is not 1.1), only true and false are booleans."""
import re

_MOST_BYTES, _MOST_ALIASES = 1 << 20, 1_000
_NULL = re.compile(r"(?:~|null|Null|NULL|)\Z")
_BOOL = re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\Z")


class Number(str):
    """A number of the YAML, as written."""


def parse_spec_file(path):
    """The document in the file. ValueError says what is wrong with it, and where; OSError; RuntimeError: python3-yaml is not installed."""
    try:
        import yaml
    except ImportError as missing:
        raise RuntimeError("a spec in a YAML file needs PyYAML: apt install python3-yaml, or give the spec as a dict") from missing
    with open(path, "rb") as file:
        text = file.read(_MOST_BYTES + 1)
    if len(text) > _MOST_BYTES:
        raise ValueError(f"more than {_MOST_BYTES} bytes")
    try:
        return yaml.load(text.decode("utf-8"), _loader(yaml))
    except (yaml.YAMLError, UnicodeDecodeError) as wrong:
        raise ValueError(" ".join(str(wrong).split())) from wrong
    except RecursionError:
        raise ValueError("nested too deep") from None


def _loader(yaml):
    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {}
        aliases = 0

        def compose_node(self, parent, index):
            if self.check_event(yaml.AliasEvent):
                self.aliases += 1
                if self.aliases > _MOST_ALIASES:
                    raise yaml.YAMLError(f"more than {_MOST_ALIASES} aliases")
            return super().compose_node(parent, index)

        def construct_mapping(self, node, deep=False):
            seen = set()
            for key, _ in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    raise yaml.constructor.ConstructorError(None, None, "a key must be a text", key.start_mark)
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(None, None, f'the key "{key.value}" is there twice', key.start_mark)
                seen.add(key.value)
            return super().construct_mapping(node, deep=True)

    for tag, pattern in (("null", _NULL), ("bool", _BOOL), ("float", _NUMBER)):
        Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", pattern, None)
    for tag in ("int", "float"):
        Loader.add_constructor(f"tag:yaml.org,2002:{tag}", lambda loader, node: Number(node.value))
    return Loader
