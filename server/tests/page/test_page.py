#!/usr/bin/env python3
"""Use the API page as a person does, in a real headless Chromium.

    make test-page

Starts the server on a free port over an empty folder, writes a document, and works through the page: the list of routes, signing
in and out, the search field, a request sent from a route's form, and an error. Fails on any message in the browser's console and on any
request that leaves the server. Needs Playwright's Python package and a Chromium; `scripts/with_chromium.sh` provides both.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

START_SECONDS = 60
TENANT, EMAIL, PASSWORD = "handbook", "ada@example.com", "correct horse battery"
MARKED = "A naïve café ⟨full⟩ of <b>clients</b>: retries wait 200 ms, & five of them are the most."


def start(server, folder):
    """The server's process and its address, with an administrator and a service token of theirs."""
    data = ["--data-dir", str(Path(folder) / "data")]
    create = [server, "admin", "create", "--tenant", TENANT, "--email", EMAIL, *data]
    subprocess.run(create, input=PASSWORD.encode(), check=True, stdout=subprocess.DEVNULL)
    make = [server, "admin", "token", "--tenant", TENANT, "--name", "page", *data]
    token = subprocess.run(make, check=True, capture_output=True, text=True).stdout.strip()
    address_file = Path(folder) / "address"
    command = [server, "--listen", "127.0.0.1:0", "--data-dir", str(Path(folder) / "data"),
               "--address-file", str(address_file), "--log-level", "warn"]
    process = subprocess.Popen(command)
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if address_file.exists() and address_file.read_text().strip():
            address = address_file.read_text().strip()
            return process, address if address.startswith("http") else "http://" + address, token
        time.sleep(0.05)
    process.kill()
    sys.exit("the server did not start")


def call(address, token, method, path, body):
    """The JSON answer of a request."""
    headers = {"content-type": "application/json", "authorization": "Bearer " + token}
    request = urllib.request.Request(address + path, json.dumps(body).encode(), method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=START_SECONDS) as answer:
        return json.load(answer)


def write(address, token):
    """Writes a document and waits until searches find it."""
    document = {"collection": "handbook", "document_id": "guides/retries.md", "text": "# Retries\n\n" + MARKED}
    written = call(address, token, "POST", "/documents", document)
    call(address, token, "POST", "/search", {"query": "retries", "min_version": written["version"]})


def check_routes(page, address):
    """Every route of the description is on the page."""
    with urllib.request.urlopen(address + "/openapi.json", timeout=START_SECONDS) as answer:
        paths = json.load(answer)["paths"]
    operations = [operation["operationId"] for item in paths.values() for operation in item.values()
                  if isinstance(operation, dict)]
    assert len(operations) > 10, operations
    for operation in operations:
        expect(page.locator(f"details#{operation}")).to_have_count(1)
    expect(page.locator("#ready")).to_have_text("server is ready")


def check_sign_in(page):
    """Nothing is shown to strangers; a wrong password is refused, the right one lets in."""
    page.fill("#q", "retries")
    page.press("#q", "Enter")
    expect(page.locator("#found .bad")).to_contain_text("send a token")
    for password, told in [("wrong password", "wrong tenant, e-mail or password"), (PASSWORD, f"signed in as {EMAIL}")]:
        page.fill("#tenant", TENANT)
        page.fill("#email", EMAIL)
        page.fill("#password", password)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#who")).to_contain_text(told)
    expect(page.locator("#password")).to_be_hidden()


def check_sign_out(page):
    """Behind the sign-out the page is a stranger again, and its session is over."""
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#who")).to_have_text("not signed in")
    page.press("#q", "Enter")
    expect(page.locator("#found .bad")).to_contain_text("send a token")


def check_quick_search(page):
    """A search shows the passage as it is, with the words of the query marked."""
    page.fill("#q", "retries")
    page.press("#q", "Enter")
    hit = page.locator("#found .hit")
    expect(hit).to_have_count(1)
    expect(hit.locator("b").first).to_have_text("guides/retries.md:1-3")
    expect(hit.locator("pre")).to_contain_text(MARKED)
    expect(hit.locator("mark").last).to_have_text("retries")
    expect(hit.locator("pre b")).to_have_count(0)


def form(page, operation):
    """The form of a route, opened from the index."""
    page.click(f"#index a[href='#{operation}']")
    opened = page.locator(f"details#{operation}")
    expect(opened).to_have_attribute("open", "")
    return opened


def check_forms(page):
    """Requests can be sent from the page; what is wrong with them is shown."""
    search = form(page, "search")
    search.locator("textarea").fill('{"query": "five retries", "top_k": 1}')
    search.get_by_role("button", name="Send").click()
    expect(search.locator(".answer b.good")).to_have_text("200")
    expect(search.locator(".answer pre")).to_contain_text('"document_id": "guides/retries.md"')
    search.locator("textarea").fill('{"query": "x", "top_k": 0}')
    search.get_by_role("button", name="Send").click()
    expect(search.locator(".answer b.bad")).to_have_text("400")
    expect(search.locator(".answer pre")).to_contain_text("/top_k")


def main():
    server, chromium = os.environ["CODITECT_SERVER"], os.environ["CODITECT_CHROMIUM"]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        process, address, token = start(server, folder)
        try:
            write(address, token)
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page()
            troubles, elsewhere = [], []
            page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
            page.on("pageerror", lambda error: troubles.append(str(error)))
            page.on("request", lambda request: elsewhere.append(request.url)
                    if not request.url.startswith(address) else None)
            page.goto(address + "/")
            check_routes(page, address)
            assert not troubles, troubles
            # The browser itself reports the requests that are refused: three of strangers, one of a form.
            check_sign_in(page)
            check_quick_search(page)
            check_forms(page)
            check_sign_out(page)
            assert len(troubles) <= 4 and all("status of 4" in trouble for trouble in troubles), troubles
            assert not elsewhere, elsewhere
            print(f"page: ok, Chromium {browser.version}")
            browser.close()
        finally:
            process.terminate()
            code = process.wait(timeout=START_SECONDS)
    assert code == 0, f"the server stopped with {code}"


if __name__ == "__main__":
    main()
