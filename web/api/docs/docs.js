"use strict";
// Renders ../openapi.json. Everything is put in as text, never as markup.
(() => {
  const make = (name, attributes, ...children) => {
    const e = document.createElement(name);
    for (const [k, v] of Object.entries(attributes || {})) e.setAttribute(k, v);
    for (const c of children) if (c !== null && c !== undefined) e.append(c);
    return e;
  };
  // prose is a description as it is meant to be read: paragraphs, and what stands in backticks as code.
  const prose = (text) => {
    const box = document.createDocumentFragment();
    String(text || "").split(/\n{2,}/).filter(Boolean).forEach((part, i) => {
      if (i > 0) box.append(make("br"), make("br"));
      part.split("`").forEach((words, n, all) => box.append(n % 2 === 1 && n < all.length - 1 ? make("code", null, words) : (n % 2 === 1 ? "`" : "") + words));
    });
    return box;
  };
  let spec;
  const resolve = (s) => {
    const seen = new Set();
    while (s && s.$ref && !seen.has(s.$ref)) { seen.add(s.$ref); s = spec.components.schemas[s.$ref.split("/").pop()]; }
    return s || {};
  };
  const typeOf = (s) => {
    s = resolve(s);
    let t = Array.isArray(s.type) ? s.type.filter((x) => x !== "null").join(" or ") : s.type || "any";
    if (t === "array") t = "list of " + typeOf(s.items || {});
    if (s.enum) t += ": " + s.enum.join(" | ");
    const bounds = [];
    if (s.minimum !== undefined) bounds.push("≥ " + s.minimum);
    if (s.maximum !== undefined) bounds.push("≤ " + s.maximum);
    if (s.maxLength !== undefined) bounds.push("up to " + s.maxLength + " characters");
    if (s.format) bounds.push(s.format);
    return bounds.length ? t + " (" + bounds.join(", ") + ")" : t;
  };
  // example draws the shape of a schema as JSON.
  const example = (s, depth) => {
    s = resolve(s);
    if (depth > 6) return "…";
    if (s.examples && s.examples.length) return s.examples[0];
    const type = Array.isArray(s.type) ? s.type.find((x) => x !== "null") : s.type;
    switch (type) {
      case "object": {
        const o = {};
        for (const [k, v] of Object.entries(s.properties || {})) o[k] = example(v, depth + 1);
        return o;
      }
      case "array": return [example(s.items || {}, depth + 1)];
      case "integer": case "number": return s.default ?? s.minimum ?? 1;
      case "boolean": return s.default ?? false;
      case "string": return s.default ?? (s.enum ? s.enum[0] : s.format === "date-time" ? "2026-01-31T09:30:00Z" : "text");
      default: return {};
    }
  };
  const fields = (title, rows) => rows.length === 0 ? null : make("div", null, make("h4", null, title), make("table", null,
    ...rows.map(([name, schema, text, needed]) => make("tr", null, make("td", null, make("code", null, name), needed ? " *" : ""), make("td", null, typeOf(schema)), make("td", null, prose(text))))));
  const bodyFields = (content) => {
    const schema = content && content["application/json"] && resolve(content["application/json"].schema);
    if (!schema || !schema.properties) return null;
    const needed = new Set(schema.required || []);
    return fields("Body", Object.entries(schema.properties).map(([k, v]) => [k, v, v.description || resolve(v).description, needed.has(k)]));
  };
  const answers = (responses) => {
    const box = make("div", null, make("h4", null, "Answers"));
    for (const [status, r] of Object.entries(responses)) {
      const media = r.content && Object.values(r.content)[0];
      box.append(make("p", null, make("strong", null, status === "default" ? "else" : status), " ", prose(r.description)));
      if (media && media.schema && status !== "default") box.append(make("pre", null, JSON.stringify(example(media.schema, 0), null, 2)));
    }
    return box;
  };
  const show = (method, path, op) => {
    const box = make("details", { id: op.operationId, "data-text": [method, path, op.summary, op.description, op.operationId].join(" ").toLowerCase() },
      make("summary", null, make("span", { class: "method " + method }, method.toUpperCase()), make("code", null, (spec.servers?.[0]?.url || "") + path), make("span", null, op.summary || "")));
    box.addEventListener("toggle", () => {
      if (!box.open || box.childElementCount > 1) return;
      const in_ = (where) => (op.parameters || []).filter((p) => p.in === where).map((p) => [p.name, p.schema, p.description, p.required]);
      const parts = [make("p", null, prose(op.description)), fields("Address", in_("path")), fields("Query", in_("query")), fields("Headers", in_("header")),
        op.requestBody ? bodyFields(op.requestBody.content) : null, answers(op.responses || {})];
      box.append(make("div", null, ...parts.filter(Boolean)));
    });
    return box;
  };
  const draw = () => {
    document.getElementById("version").textContent = spec.info.version || "";
    document.getElementById("about").replaceChildren(prose(spec.info.description));
    const main = document.getElementById("operations"), nav = document.getElementById("tags"), groups = new Map();
    main.textContent = "";
    for (const [path, item] of Object.entries(spec.paths))
      for (const method of ["get", "post", "put", "patch", "delete"])
        if (item[method]) {
          const tag = (item[method].tags || ["other"])[0];
          if (!groups.has(tag)) groups.set(tag, []);
          groups.get(tag).push(show(method, path, item[method]));
        }
    for (const [tag, boxes] of groups) {
      const id = "tag-" + tag.replace(/\W+/g, "-");
      nav.append(make("a", { href: "#" + id }, tag));
      main.append(make("section", { id }, make("h2", null, tag), ...boxes));
    }
    document.getElementById("find").addEventListener("input", (e) => {
      const words = e.target.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const d of main.querySelectorAll("details")) d.hidden = !words.every((w) => d.dataset.text.includes(w));
      for (const s of main.querySelectorAll("section")) s.hidden = !s.querySelector("details:not([hidden])");
    });
    if (location.hash) { const at = document.getElementById(location.hash.slice(1)); if (at) { if (at.tagName === "DETAILS") at.open = true; at.scrollIntoView(); } }
  };
  fetch("../openapi.json").then((r) => r.json()).then((s) => { spec = s; draw(); }).catch((e) => { document.getElementById("operations").textContent = "The description could not be read: " + e.message; });
})();
