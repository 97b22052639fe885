"""Shows a page in a browser of this machine, from a server that only it can reach."""

import functools
import http.server
import pathlib
import webbrowser


def make_server(page: pathlib.Path) -> http.server.ThreadingHTTPServer:
  """Returns a server of the page's folder, on a free port of the loopback interface."""
  handler = functools.partial(
    http.server.SimpleHTTPRequestHandler, directory=str(page.parent)
  )
  return http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)


def serve(page: pathlib.Path) -> None:
  """Opens the page in a browser, and serves it until Ctrl-C, which it raises."""
  with make_server(page) as server:
    address = f'http://127.0.0.1:{server.server_port}/{page.name}'
    print(f'{address} (Ctrl-C ends it)', flush=True)
    webbrowser.open(address)
    server.serve_forever()
