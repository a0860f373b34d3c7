#!/usr/bin/env python3
"""A workspace made of software of others: tornado, which echoes at /echo, and a terminal of terminado at /terminal.

    workspace.py PORT
"""

import sys

import terminado
import tornado.ioloop
import tornado.web
import tornado.websocket


class Echo(tornado.websocket.WebSocketHandler):
    """Says again what it is told."""

    def check_origin(self, origin):
        return True

    def select_subprotocol(self, subprotocols):
        return next((name for name in subprotocols if name.startswith("echo")), None)

    def get_compression_options(self):
        return {}

    def on_message(self, message):
        self.write_message(message, binary=isinstance(message, bytes))


class Terminal(terminado.TermSocket):
    """A shell. The sidecar has looked at the origin."""

    def check_origin(self, origin=None):
        return True


def main():
    terminals = terminado.UniqueTermManager(shell_command=["sh"])
    routes = [("/echo", Echo), ("/terminal", Terminal, {"term_manager": terminals})]
    application = tornado.web.Application(routes, websocket_max_message_size=64 << 20)
    application.listen(int(sys.argv[1]), "127.0.0.1")
    tornado.ioloop.IOLoop.current().start()


main()
