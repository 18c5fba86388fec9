// What makes the console quick: keyboard, palette, toasts, scanner. Every page works without it.
(() => {
  "use strict";
  const $ = (s, from = document) => from.querySelector(s);
  const all = (s, from = document) => [...from.querySelectorAll(s)];
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) document.cookie = "oc_zone=" + encodeURIComponent(zone) + ";path=/console/;max-age=31536000;samesite=lax";

  const typing = (el) => el && (el.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName) && !/^(checkbox|radio|button|submit)$/.test(el.type));

  // a token behind the # is sent to nobody and stands in no log
  const token = $("form input[name=token]");
  if (token && location.hash.length > 1) {
    token.value = decodeURIComponent(location.hash.slice(1));
    history.replaceState(null, "", location.pathname);
  }

  // rows: j and k walk, Enter opens, x selects
  let at = -1;
  const rows = () => all("[data-row]");
  const walk = (by) => {
    const list = rows();
    if (!list.length) return;
    at = Math.max(0, Math.min(list.length - 1, at + by));
    list.forEach((r, i) => r.classList.toggle("on", i === at));
    list[at].scrollIntoView({ block: "nearest" });
    const link = $("a", list[at]);
    if (link) link.focus({ preventScroll: true });
  };

  // the palette opens with the desks, which are on the page already: nothing is asked for before somebody types
  const palette = $("#palette"), help = $("#help");
  const openPalette = () => {
    if (!palette || palette.open) return;
    palette.showModal();
    $("#found").replaceChildren(...all(".side a[data-go]").map((desk) => {
      const row = document.createElement("li"), link = desk.cloneNode(true), key = document.createElement("span");
      link.removeAttribute("aria-current");
      link.removeAttribute("data-go");
      $("span", link).className = "grow";
      key.className = "muted small";
      key.textContent = "g " + desk.dataset.go;
      link.append(key);
      row.append(link);
      return row;
    }));
    const q = $("#palette-q");
    q.value = "";
    q.focus();
  };

  let went = 0;
  document.addEventListener("keydown", (e) => {
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "k") { e.preventDefault(); openPalette(); return; }
    if (palette && palette.open) return inPalette(e);
    if (e.ctrlKey || e.metaKey || e.altKey || typing(document.activeElement) || $("dialog[open]")) return;
    if (went && Date.now() - went < 1200) {
      went = 0;
      const to = $(`[data-go="${CSS.escape(e.key)}"]`);
      if (to) { e.preventDefault(); to.click(); }
      return;
    }
    switch (e.key) {
      case "/": e.preventDefault(); $("#q")?.focus(); break;
      case "?": e.preventDefault(); help?.showModal(); break;
      case "g": went = Date.now(); break;
      case "j": walk(1); break;
      case "k": walk(-1); break;
      case "x": { const box = at >= 0 && $("input[type=checkbox]", rows()[at]); if (box) box.click(); break; }
    }
  });

  const inPalette = (e) => {
    const list = all("#found a");
    if (!list.length || !/^(ArrowDown|ArrowUp|Enter)$/.test(e.key)) return;
    let i = list.findIndex((a) => a.classList.contains("on"));
    if (e.key === "Enter") { if (i >= 0) { e.preventDefault(); list[i].click(); } return; }
    e.preventDefault();
    i = (i + (e.key === "ArrowDown" ? 1 : -1) + list.length) % list.length;
    list.forEach((a, n) => a.classList.toggle("on", n === i));
    list[i].scrollIntoView({ block: "nearest" });
  };

  document.addEventListener("click", (e) => {
    const el = e.target.closest("[data-open],[data-close],[data-copy],[data-all]");
    if (el?.dataset.open) $("#" + el.dataset.open)?.showModal();
    if (el && "close" in el.dataset) el.closest("[data-toast]")?.remove();
    if (el?.dataset.copy) navigator.clipboard?.writeText(el.dataset.copy);
    if (el && "all" in el.dataset) all("[data-row] input[type=checkbox]").forEach((b) => { b.checked = el.checked; });
    if (e.target.matches("dialog[open]")) e.target.close();
    if (!e.target.closest("details.menu")) all("details.menu[open]").forEach((d) => { d.open = false; });
  });
  all("[data-toast]:not(.bad)").forEach((t) => setTimeout(() => t.remove(), 10000));
  document.addEventListener("change", (e) => { if (e.target.matches("[data-submit]")) e.target.form.requestSubmit(); });

  // on a phone the desks are a strip: the one somebody sits at is in sight
  $(".side a[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

  // live parts: the server says that something changed, htmx fetches the part anew
  all("[data-live]").forEach((el) => {
    const source = new EventSource(el.dataset.live);
    source.addEventListener("changed", () => el.dispatchEvent(new CustomEvent("live", { bubbles: true })));
    addEventListener("pagehide", () => source.close());
  });

  // scanner: a burst of keys that ends with Enter, wherever the focus is
  const scan = $("form[data-scan]");
  if (!scan) return;
  const input = $("input[name=code]", scan);
  const box = () => $("#" + scan.dataset.scan);
  const key = "oc-scans:" + scan.action;
  const queue = () => { try { return JSON.parse(localStorage.getItem(key)) || []; } catch { return []; } };
  const store = (q) => localStorage.setItem(key, JSON.stringify(q));
  const id = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
  const say = (text, how) => { const s = $("#said"); if (s) { s.textContent = text; s.className = "said " + how; } };

  let audio;
  const tone = (good) => {
    try {
      audio = audio || new AudioContext();
      const o = audio.createOscillator(), g = audio.createGain();
      o.frequency.value = good ? 1200 : 220;
      o.type = good ? "sine" : "square";
      g.gain.value = 0.08;
      o.connect(g).connect(audio.destination);
      o.start();
      o.stop(audio.currentTime + (good ? 0.09 : 0.35));
    } catch { /* a browser without sound */ }
  };

  let busy = false;
  const send = async () => {
    if (busy) return;
    busy = true;
    let went = true;
    while (queue().length) {
      const q = queue(), s = q[0];
      const body = new URLSearchParams(new FormData(scan));
      body.set("code", s.code);
      body.set("scan", s.id);
      let res, html;
      try {
        res = await fetch(scan.action, { method: "POST", body, headers: { "X-Scan": "1" } });
        html = await res.text();
      } catch { went = false; break; }
      if (res.status >= 502 && res.status <= 504) { went = false; break; }
      store(queue().filter((x) => x.id !== s.id));
      if (res.headers.get("HX-Redirect")) { location.href = res.headers.get("HX-Redirect"); return; }
      if (res.headers.get("X-Next")) { tone(true); location.href = res.headers.get("X-Next"); return; }
      box().innerHTML = html;
      if (window.htmx) window.htmx.process(box());
      tone(!$(".said.bad, .problem", box()));
    }
    busy = false;
    $("#offline").hidden = went;
    if (!went) setTimeout(send, 2000);
  };

  let last = "", lastAt = 0;
  const take = (code, at) => {
    code = code.trim();
    if (!code) return;
    if (code === last && at - lastAt < 300) return; // the scanner read the same label twice in one go
    last = code; lastAt = at;
    if (verify(code)) return;
    store([...queue(), { id: id(), code }]);
    say(scan.dataset.sending + " " + code, "wait");
    send();
  };

  const count = (line) => {
    $(".count", line).textContent = line.dataset.seen + " / " + line.dataset.need;
    line.classList.toggle("full", line.dataset.seen === line.dataset.need);
  };
  // a person may type what is counted, too
  document.addEventListener("change", (e) => {
    const line = e.target.matches("[data-codes] input[type=number]") && e.target.closest("[data-codes]");
    if (line) { line.dataset.seen = Math.max(0, Math.min(+line.dataset.need, +e.target.value || 0)); count(line); }
  });

  // packing counts every item again before the parcel is closed, receiving counts what came
  const verify = (code) => {
    const form = $("form[data-verify]");
    if (!form) return false;
    const lines = all("[data-codes]", box());
    const line = lines.find((l) => l.dataset.codes.split(" ").includes(code) && +l.dataset.seen < +l.dataset.need) || null;
    if (!line) { say(scan.dataset.wrong + " " + code, "bad"); tone(false); return true; }
    line.dataset.seen = +line.dataset.seen + 1;
    count(line);
    lines.forEach((l) => { const n = $("input[type=number]", l); if (n) n.value = l.dataset.seen; });
    tone(true);
    say("✓ " + code, "ok");
    if (lines.every((l) => +l.dataset.seen >= +l.dataset.need)) form.requestSubmit();
    return true;
  };

  scan.addEventListener("submit", (e) => { e.preventDefault(); take(input.value, e.timeStamp); input.value = ""; input.focus(); });
  let burst = "", burstAt = 0;
  document.addEventListener("keydown", (e) => {
    if (document.activeElement === input || e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.timeStamp - burstAt > 80) burst = ""; // when the key was struck: a busy page may hear of it late
    burstAt = e.timeStamp;
    if (e.key === "Enter") {
      if (burst.length >= 3) { e.preventDefault(); e.stopPropagation(); const code = burst; burst = ""; if (typing(document.activeElement)) document.activeElement.value = ""; take(code, e.timeStamp); }
    } else if (e.key.length === 1) burst += e.key;
  }, true);
  addEventListener("online", send);
  if (queue().length) send();
})();
