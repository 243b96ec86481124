"""A real S3 server (moto's, in a process of its own) that checks signatures, and what may stand before one."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import boto3
from starlette.types import Receive, Scope, Send

from tests.fakes.serving import free_port

BUCKET = "company-logs"
_ACTIONS_BEFORE_AUTHENTICATION = 7
_RIGHTS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}

_ANYBODY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}


class S3Server:
    """Start, stop (its content goes), start again at the same address."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.access_key = self.secret_key = ""
        self.role: dict[str, str] = {}
        """What a machine's role gives: AccessKeyId, SecretAccessKey, SessionToken."""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """With a bucket, and a user who may use it."""
        environment = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": str(_ACTIONS_BEFORE_AUTHENTICATION)}
        call = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self._process = subprocess.Popen(call, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._wait()
        self.access_key, self.secret_key = "none", "none"
        iam = self.client("iam")
        iam.create_user(UserName="gateway")
        iam.put_user_policy(UserName="gateway", PolicyName="s3", PolicyDocument=json.dumps(_RIGHTS))
        made = iam.create_access_key(UserName="gateway")["AccessKey"]
        role = iam.create_role(RoleName="machine", AssumeRolePolicyDocument=json.dumps(_ANYBODY))["Role"]["Arn"]
        iam.put_role_policy(RoleName="machine", PolicyName="s3", PolicyDocument=json.dumps(_RIGHTS))
        self.role = self.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        self.client("s3").create_bucket(Bucket=BUCKET)
        self.access_key, self.secret_key = made["AccessKeyId"], made["SecretAccessKey"]

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def client(self, service: str = "s3") -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name="us-east-1",
        )

    def options(self, **more: str) -> dict[str, Any]:
        """`ledger.store_options` for this server."""
        return {
            "aws_endpoint": self.url,
            "aws_region": "us-east-1",
            "aws_access_key_id": self.access_key,
            "aws_secret_access_key": self.secret_key,
            **more,
        }

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/moto-api/", timeout=5):
                return
            time.sleep(0.05)
        raise TimeoutError("moto did not start")


def answering(status: int, seconds: float = 0) -> Any:
    """An ASGI application that says the same to everybody, maybe late."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(seconds)
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"<Error><Code>SlowDown</Code></Error>"})

    return app


def instance_metadata(server: S3Server) -> Any:
    """What a machine in Amazon's cloud asks for the credentials of its role."""
    role = "/latest/meta-data/iam/security-credentials/"

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        credentials = {
            "AccessKeyId": server.role["AccessKeyId"],
            "SecretAccessKey": server.role["SecretAccessKey"],
            "Token": server.role["SessionToken"],
            "Code": "Success",
            "Type": "AWS-HMAC",
            "LastUpdated": "2026-01-01T00:00:00Z",
            "Expiration": "2036-01-01T00:00:00Z",
        }
        answers = {"/latest/api/token": "t", role: "gateway-role", f"{role}gateway-role": json.dumps(credentials)}
        body = answers.get(scope["path"], "").encode()
        await send({"type": "http.response.start", "status": 200 if body else 404, "headers": []})
        await send({"type": "http.response.body", "body": body})

    return app


@contextmanager
def web_proxy() -> Iterator[tuple[str, list[str]]]:
    """A company's web proxy on a socket: its address, and the hosts that it was asked for."""
    asked: list[str] = []
    loop = asyncio.new_event_loop()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        target = urlsplit(head.split(b" ")[1].decode())
        asked.append(target.netloc)
        upstream = await asyncio.open_connection(target.hostname, target.port)
        upstream[1].write(head)
        await asyncio.gather(_copy(reader, upstream[1]), _copy(upstream[0], writer))

    server = loop.run_until_complete(asyncio.start_server(relay, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
    writer.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    mine = asyncio.current_task()
    left = [task for task in asyncio.all_tasks() if task is not mine]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
