"""nginx as the static upstream, and as a plain reverse proxy: the limit of what a gateway can reach.

One process without a master, in a folder of its own; the system's service is never touched.
"""

from pathlib import Path

from tests.bench.answers import ANSWER

_FRAME = """
daemon off;
master_process off;  # one process: its CPU time and memory are all there is
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 100000000;
  client_max_body_size 64m;
  client_body_buffer_size 2m;  # prompts never go through a file
  {content}
}}
"""


def static(folder: Path, ports: list[int]) -> list[str]:
    """Arguments of an nginx that answers everything with the recorded answer."""
    listen = " ".join(f"listen 127.0.0.1:{port} backlog=1024;" for port in ports)
    answer = ANSWER.decode()
    place = f"location / {{ default_type application/json; return 200 '{answer}'; }}"
    return _arguments(folder, f"server {{ {listen} {place} }}")


def proxy(folder: Path, ways: dict[int, list[int]], options: str = "") -> list[str]:
    """Arguments of an nginx that passes everything on: from each port to its upstreams' ports, each with `options`."""
    return _arguments(folder, "\n".join(_way(port, behind, options) for port, behind in ways.items()))


def _way(port: int, behind: list[int], options: str) -> str:
    servers = " ".join(f"server 127.0.0.1:{each} {options};" for each in behind)
    return f"""
  upstream behind_{port} {{ {servers} keepalive 512; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location / {{
      proxy_pass http://behind_{port};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;  # a chunk goes on when it comes
    }}
  }}"""


def _arguments(folder: Path, content: str) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "nginx.conf"
    file.write_text(_FRAME.format(folder=folder, content=content))
    return ["-p", str(folder), "-c", str(file)]
