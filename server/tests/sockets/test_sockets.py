#!/usr/bin/env python3
"""Sockets through gateway and sidecar with clients and a workspace that are software of others.

    make test-sockets

Python's websockets, Node's ws, websocat and a headless Chromium each talk to an echo of tornado and to a terminal of terminado. In the browser the socket signs in
by a subprotocol, survives a restart of the workspace, and is closed when its user logs out.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import websockets
from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
PATIENCE = 60
TENANT, EMAIL, PASSWORD = "acme", "ada@example.com", "correct horse battery"


def free_port():
    """A port that nobody listens on for the moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def until(what, condition):
    """Waits until something holds, and returns it."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    sys.exit(f"it did not happen: {what}")


class Workspace:
    """The process of the workspace, which can be started again at its port."""

    def __init__(self):
        self.port = free_port()
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen([sys.executable, str(HERE / "workspace.py"), str(self.port)])
        until("the workspace listens", self.listens)

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def close(self):
        self.process.kill()
        self.process.wait()


class Gateway:
    """The server's process."""

    def __init__(self, folder, settings):
        self.file = Path(folder) / "address"
        self.file.unlink(missing_ok=True)
        flags = [flag for setting in settings for flag in ("--set", setting)]
        self.process = subprocess.Popen([os.environ["CODITECT_SERVER"], "--listen", "127.0.0.1:0", "--data-dir", f"{folder}/data",
                                         "--address-file", str(self.file), "--log-level", "warn", *flags])
        until("the server listens", lambda: self.file.exists() and self.file.read_text().endswith("\n"))
        self.address = self.file.read_text().strip().removeprefix("http://")

    def call(self, method, path, body=None, token=None):
        """The JSON answer of a request."""
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{self.address}{path}", data, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def log_in(self):
        return self.call("POST", "/auth/login", {"tenant": TENANT, "email": EMAIL, "password": PASSWORD})

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


async def python_websockets(base, token):
    """The library websockets, with compression, fragments, pings and a terminal."""
    headers = {"authorization": f"Bearer {token}"}
    async with asyncio.timeout(PATIENCE), websockets.connect(base + "/echo", additional_headers=headers, max_size=1 << 24) as client:
        for message in ["hello", "漢字" * 100_000, "", b"\x07" * 1_000_000]:
            await client.send(message)
            assert await client.recv() == message
        await client.send(iter(["in ", "three ", "parts"]))
        assert await client.recv() == "in three parts"
        await (await client.ping())
    async with asyncio.timeout(PATIENCE), websockets.connect(base + "/terminal", additional_headers=headers) as client:
        await client.send(json.dumps(["stdin", "echo $((6 * 7)) of python\r"]))
        output = ""
        while "42 of python" not in output:
            kind, *rest = json.loads(await client.recv())
            output += rest[0] if kind == "stdout" else ""
    try:
        await websockets.connect(base + "/echo")
    except websockets.InvalidStatus as refused:
        assert refused.response.status_code == 401
    else:
        sys.exit("a stranger was let in")


def node_ws(base, token):
    """The library ws, in a process of its own."""
    command = ["node", str(HERE / "client.mjs"), os.environ["CODITECT_NODE_WS"], base, token]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.stdout == "ok\n", done.stdout + done.stderr


@contextlib.contextmanager
def killed_late(process):
    """Ends a process that takes too long: whoever reads from it then comes to the end."""
    timer = threading.Timer(PATIENCE, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def websocat(base, token):
    """A program for the shell."""
    command = [os.environ["CODITECT_WEBSOCAT"], "-n1", f"-H=authorization: Bearer {token}", base + "/echo"]
    done = subprocess.run(command, input="hello from a shell\n", capture_output=True, text=True, timeout=PATIENCE)
    assert done.stdout == "hello from a shell\n", done.stdout + done.stderr
    terminal = [os.environ["CODITECT_WEBSOCAT"], "-n", f"-H=authorization: Bearer {token}", base + "/terminal"]
    with subprocess.Popen(terminal, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process, killed_late(process):
        process.stdin.write(json.dumps(["stdin", "echo $((6 * 7)) of websocat\r"]) + "\n")
        process.stdin.flush()
        for line in process.stdout:
            if "42 of websocat" in line:
                break
        else:
            sys.exit("the terminal did not answer websocat")
        process.kill()


OPEN = """([url, token]) => new Promise((resolve, reject) => {
    const socket = new WebSocket(url, ['bearer', token, 'echo.v1']);
    window.heard = []; window.ended = null; window.socket = socket;
    socket.onmessage = ({ data }) => window.heard.push(data);
    socket.onclose = ({ code, reason }) => { window.ended = [code, reason]; };
    socket.onopen = () => resolve(socket.protocol);
    socket.onerror = () => reject(new Error('no socket'));
})"""


def chromium(gateway, base, workspace, token):
    """A page: signs in by subprotocol, keeps its socket over a restart of the workspace, loses it at the logout."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CODITECT_CHROMIUM"], args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"http://{gateway.address}/healthz")
        assert page.evaluate(OPEN, [base + "/echo", token]) == "echo.v1"

        def says(text):
            page.evaluate("text => window.socket.send(text)", text)
            until(f"the page hears {text}", lambda: text in page.evaluate("window.heard"))

        terminal = "([url, token]) => { const socket = new WebSocket(url, ['bearer', token]); window.output = '';" \
                   "socket.onmessage = ({ data }) => { window.output += JSON.parse(data)[1] ?? ''; };" \
                   "socket.onopen = () => socket.send(JSON.stringify(['stdin', 'echo $((6 * 7)) of a page\\r'])); }"
        page.evaluate(terminal, [base + "/terminal", token])
        until("the terminal answers the page", lambda: "42 of a page" in page.evaluate("window.output"))
        says("before the restart")
        workspace.close()
        workspace.start()
        until("the socket leads somewhere again", lambda: again(page))
        says("after the restart")
        ended = page.evaluate("window.ended")
        assert ended is None, ended
        page.evaluate("token => fetch('/auth/logout', { method: 'POST', headers: { authorization: `Bearer ${token}` } })", token)
        code, _ = until("the page's socket is closed", lambda: page.evaluate("window.ended"))
        assert code == 4401, code
        browser.close()


def again(page):
    """Whether an echo comes back: what was on its way to the workspace when it ended is lost with it."""
    count = page.evaluate("window.socket.send('again?'), window.heard.length")
    time.sleep(0.2)
    return page.evaluate("window.heard.length") > count


def main():
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as started:
        create = [os.environ["CODITECT_SERVER"], "admin", "create", "--tenant", TENANT, "--email", EMAIL, "--data-dir", f"{folder}/data"]
        subprocess.run(create, input=PASSWORD.encode(), check=True, stdout=subprocess.DEVNULL)
        with contextlib.closing(Gateway(folder, [])) as gateway:
            user = gateway.log_in()["user"]["user_id"]
        workspace = started.enter_context(contextlib.closing(Workspace()))
        gateway = started.enter_context(contextlib.closing(Gateway(folder, [
            "sidecar.workspace=ws-7", f"sidecar.tenant={TENANT}", f"sidecar.user={user}", f"sidecar.upstream=http://127.0.0.1:{workspace.port}"])))
        base, token = f"ws://{gateway.address}/workspaces/ws-7/ws", gateway.log_in()["token"]
        asyncio.run(python_websockets(base, token))
        print("python websockets: ok", flush=True)
        node_ws(base, token)
        print("node ws: ok", flush=True)
        websocat(base, token)
        print("websocat: ok", flush=True)
        chromium(gateway, base, workspace, token)
        print("chromium: ok", flush=True)
    print("sockets: ok")


main()
