// Shows /openapi.json and sends requests to this server. No library: what is not needed is not there.
"use strict";

const $ = (id) => document.getElementById(id);

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") node.textContent = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// Text with `code` in it.
function prose(text) {
  const parts = String(text ?? "").split("`");
  return parts.map((part, i) => (i % 2 ? el("code", { text: part }) : document.createTextNode(part)));
}

let api = { paths: {}, components: { schemas: {} } };

function resolve(schema) {
  let depth = 0;
  while (schema && schema.$ref && depth++ < 10) schema = api.components.schemas[schema.$ref.split("/").pop()];
  return schema ?? {};
}

function typeOf(schema) {
  if (schema?.$ref) return schema.$ref.split("/").pop();
  if (schema?.oneOf) return schema.oneOf.filter((s) => s.type !== "null").map(typeOf).join(" or ");
  if (schema?.enum) return schema.enum.map((v) => JSON.stringify(v)).join(" or ");
  const types = [].concat(schema?.type ?? []).filter((t) => t !== "null");
  if (types[0] === "array") return `list of ${typeOf(schema.items)}`;
  return types.join(" or ") || "any";
}

function describe(property) {
  const chosen = property.oneOf?.find((s) => s.type !== "null");
  return property.description ?? chosen?.description ?? resolve(chosen ?? property).description;
}

function fields(schema) {
  const resolved = resolve(schema?.oneOf?.find((s) => s.type !== "null") ?? schema);
  const properties = Object.entries(resolved.properties ?? {});
  if (!properties.length) return null;
  const required = new Set(resolved.required ?? []);
  const rows = properties.map(([name, property]) => el("tr", {},
    el("td", {}, el("code", { text: name }), required.has(name) ? el("b", { text: " *", title: "required" }) : null),
    el("td", { class: "muted", text: typeOf(property) }),
    el("td", {}, ...prose(describe(property)))));
  return el("table", {}, ...rows);
}

function exampleOf(schema) {
  const resolved = resolve(schema?.oneOf?.find((s) => s.type !== "null") ?? schema);
  return resolved.example ?? resolved.examples?.[0] ?? {};
}

// The token of whoever is signed in. In memory alone: it is gone with the page.
let token = null;

async function send(method, path, body) {
  const started = performance.now();
  const options = { method, headers: {} };
  if (token) options.headers.authorization = `Bearer ${token}`;
  if (body !== undefined) {
    options.headers["content-type"] = "application/json";
    options.body = body;
  }
  const response = await fetch(path, options);
  const text = await response.text();
  let shown = text;
  try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: as it is */ }
  return { status: response.status, shown, text, ms: performance.now() - started };
}

function tryOut(method, path, operation) {
  const inputs = (operation.parameters ?? []).map((parameter) => {
    const id = `${method}-${path}-${parameter.name}`;
    return { parameter, id, input: el("input", { id, "data-parameter": parameter.name, required: parameter.required, placeholder: typeOf(parameter.schema) }) };
  });
  const schema = operation.requestBody?.content?.["application/json"]?.schema;
  const editor = schema && el("textarea", { "aria-label": "Body", spellcheck: "false" });
  if (editor) editor.value = JSON.stringify(exampleOf(schema), null, 2);
  const answer = el("div", { class: "answer", "aria-live": "polite" });
  const onsubmit = async (event) => {
    event.preventDefault();
    const query = new URLSearchParams();
    let target = path;
    for (const { parameter, input } of inputs) {
      if (parameter.in === "path") target = target.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
      else if (input.value !== "") query.set(parameter.name, input.value);
    }
    const address = target + (query.size ? `?${query}` : "");
    answer.replaceChildren(el("p", { class: "muted", text: `${method.toUpperCase()} ${address} …` }));
    try {
      const { status, shown, ms } = await send(method.toUpperCase(), address, editor?.value.trim() ? editor.value : undefined);
      answer.replaceChildren(
        el("p", {}, el("b", { class: status < 400 ? "good" : "bad", text: String(status) }), ` ${method.toUpperCase()} ${address} · ${ms.toFixed(0)} ms`),
        el("pre", { text: shown }));
    } catch (error) {
      answer.replaceChildren(el("p", { class: "bad", text: `no answer: ${error.message}` }));
    }
  };
  const rows = inputs.map(({ parameter, id, input }) => el("tr", {},
    el("td", {}, el("label", { for: id }, el("code", { text: parameter.name }), parameter.required ? el("b", { text: " *" }) : null)),
    el("td", {}, input), el("td", {}, ...prose(parameter.description))));
  return el("form", { onsubmit },
    rows.length ? el("table", {}, ...rows) : null, editor ?? null,
    el("p", {}, el("button", { text: "Send" })), answer);
}

function responses(operation) {
  const rows = Object.entries(operation.responses ?? {}).map(([status, response]) => {
    const schema = Object.values(response.content ?? {})[0]?.schema;
    return el("tr", {}, el("td", {}, el("b", { class: status < "400" ? "good" : "bad", text: status })),
      el("td", {}, ...prose(response.description)), el("td", { class: "muted", text: schema ? typeOf(schema) : "" }));
  });
  return el("table", {}, ...rows);
}

function route(path, method, operation) {
  const body = operation.requestBody?.content?.["application/json"]?.schema;
  const success = Object.entries(operation.responses ?? {}).find(([status]) => status < "400")?.[1];
  const answer = Object.values(success?.content ?? {})[0]?.schema;
  const bodyFields = body && fields(body);
  const answerFields = answer && fields(answer);
  return el("details", { id: operation.operationId },
    el("summary", {}, el("span", { class: "method", text: method.toUpperCase() }),
      el("span", { class: "path", text: path }), el("span", { class: "muted", text: ` — ${operation.summary ?? ""}` })),
    el("div", {}, el("p", {}, ...prose(operation.description)), tryOut(method, path, operation),
      bodyFields ? el("h3", { text: "Body" }) : null, bodyFields,
      el("h3", { text: "Answers" }), responses(operation),
      answerFields ? el("h3", { text: "Fields of the answer" }) : null, answerFields));
}

function render() {
  $("title").textContent = `${api.info.title} ${api.info.version}`;
  $("about").replaceChildren(...prose(api.info.description));
  const sections = new Map((api.tags ?? []).map((tag) => [tag.name, { tag, routes: [] }]));
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of ["get", "post", "put", "patch", "delete"]) {
      if (!item[method]) continue;
      const name = item[method].tags?.[0] ?? "other";
      if (!sections.has(name)) sections.set(name, { tag: { name }, routes: [] });
      sections.get(name).routes.push([path, method, item[method]]);
    }
  }
  $("routes").replaceChildren(...[...sections.values()].map(({ tag, routes }) => el("section", {},
    el("h2", { text: tag.name }), el("p", { class: "muted", text: tag.description ?? "" }),
    ...routes.map(([path, method, operation]) => route(path, method, operation)))));
  $("index").replaceChildren(el("ul", {}, ...[...sections.values()].flatMap(({ routes }) => routes.map(([path, method, operation]) =>
    el("li", {}, el("a", { href: `#${operation.operationId}`, onclick: () => { $(operation.operationId).open = true; } },
      el("span", { class: "method", text: method.toUpperCase() }), el("span", { class: "path", text: path })))))));
}

// Highlights are byte ranges of UTF-8.
function marked(text, highlights) {
  const bytes = new TextEncoder().encode(text);
  const decoder = new TextDecoder();
  const nodes = [];
  let at = 0;
  for (const { start, end } of highlights ?? []) {
    if (start < at) continue;
    nodes.push(decoder.decode(bytes.slice(at, start)), el("mark", { text: decoder.decode(bytes.slice(start, end)) }));
    at = end;
  }
  nodes.push(decoder.decode(bytes.slice(at)));
  return nodes;
}

$("quick").addEventListener("submit", async (event) => {
  event.preventDefault();
  const found = $("found");
  try {
    const { status, text } = await send("GET", `/search?${new URLSearchParams({ q: $("q").value, top_k: "5" })}`);
    const answer = JSON.parse(text);
    if (status !== 200) {
      found.replaceChildren(el("p", { class: "bad", text: answer.detail ?? `status ${status}` }));
      return;
    }
    found.replaceChildren(
      el("p", { class: "muted", text: `${answer.results.length} results · ${answer.mode} · ${answer.took_ms.total} ms` }),
      ...answer.results.map((hit) => el("article", { class: "hit" },
        el("div", {}, el("b", { text: `${hit.source}:${hit.passage.line_start}-${hit.passage.line_end}` }),
          el("span", { class: "muted", text: ` ${hit.collection} · ${hit.score.toFixed(3)} · ${hit.passage.heading_path.join(" › ")}` })),
        el("pre", {}, ...marked(hit.passage.text, hit.highlights)))));
  } catch (error) {
    found.replaceChildren(el("p", { class: "bad", text: `no answer: ${error.message}` }));
  }
});

function signedIn(granted) {
  token = granted?.token ?? null;
  $("credentials").hidden = Boolean(token);
  $("sign-out").hidden = !token;
  $("who").className = "";
  $("who").textContent = token
    ? `signed in as ${granted.user.email}, ${granted.user.role} of ${granted.session.tenant_id}`
    : "not signed in";
}

$("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const given = { tenant: $("tenant").value, email: $("email").value, password: $("password").value };
  $("password").value = "";
  try {
    const { status, text } = await send("POST", "/auth/login", JSON.stringify(given));
    const answer = JSON.parse(text);
    if (status === 200) return signedIn(answer);
    $("who").className = "bad";
    $("who").textContent = answer.detail ?? `status ${status}`;
  } catch (error) {
    $("who").className = "bad";
    $("who").textContent = `no answer: ${error.message}`;
  }
});

$("sign-out").addEventListener("click", async () => {
  try {
    await send("POST", "/auth/logout");
  } finally {
    signedIn(null);
  }
});

(async () => {
  try {
    api = JSON.parse((await send("GET", "/openapi.json")).text);
    render();
    if (location.hash) { const target = $(location.hash.slice(1)); if (target) { target.open = true; target.scrollIntoView(); } }
    const { status, text } = await send("GET", "/readyz");
    $("ready").textContent = status === 200 ? "server is ready" : JSON.parse(text).reason ?? "server is not ready";
    $("ready").className = status === 200 ? "good" : "bad";
  } catch (error) {
    $("routes").replaceChildren(el("p", { class: "bad", text: `the description cannot be read: ${error.message}` }));
  }
})();
