"use strict";
// Plays the conversations of the page: sound, waves and lanes on one clock; without sound the clock runs by itself.

(() => {
  const data = document.getElementById("conversations");
  const talks = JSON.parse(data.textContent);
  const $ = (id) => document.getElementById(id);
  const KINDS = {
    overlap: ["Overlap", "Overlaps"], interruption: ["Interruption", "Interruptions"], backchannel: ["Backchannel", "Backchannels"],
    disfluency: ["Disfluency", "Disfluencies"], transfer: ["Floor transfer", "Floor transfers"],
  };
  const AROUND_S = 0.6, STEP_S = 3;
  let talk, audio, waves, graph, from = 0, span = 12, chosen = -1, stopAt = Infinity, silent = null, said = [];

  // --- the clock ---------------------------------------------------------------------------------------------------

  function now() {
    if (audio) return Math.min(audio.currentTime, talk.duration_s);
    if (silent.since === null) return silent.at;
    return Math.min(silent.at + ((performance.now() - silent.since) / 1000) * $("speed").value, talk.duration_s);
  }

  const playing = () => (audio ? !audio.paused : silent.since !== null);

  function seek(time) {
    const at = Math.min(Math.max(time, 0), talk.duration_s);
    if (audio) audio.currentTime = at;
    else Object.assign(silent, { at, since: silent.since === null ? null : performance.now() });
    follow(at, true);
    show(at);
  }

  function play(until = Infinity) {
    stopAt = until;
    if (now() >= talk.duration_s - 0.05) seek(0);
    if (audio) audio.play();
    else silent.since = performance.now();
    tick();
  }

  function pause() {
    if (audio) audio.pause();
    else Object.assign(silent, { at: now(), since: null });
    show(now());
  }

  function tick() {
    const at = now();
    if (at >= stopAt || at >= talk.duration_s) pause();
    follow(at, false);
    show(at);
    if (playing()) requestAnimationFrame(tick);
  }

  // --- what is seen -------------------------------------------------------------------------------------------------

  function follow(at, jump) {
    const before = from;
    if (at < from || at > from + span * (jump ? 1 : 0.9)) from = at - span * 0.2;
    from = Math.min(Math.max(from, 0), Math.max(talk.duration_s - span, 0));
    if (from !== before) look();
  }

  function look() {
    Lanes.draw($("lanes"), talk, from, span, chosen);
    const width = $("lanes").clientWidth;
    if (waves.getDecodedData()) {
      waves.zoom(width / span);
      waves.setScroll(from * (width / span));
    }
    $("window").style.left = `${(100 * from) / talk.duration_s}%`;
    $("window").style.width = `${(100 * Math.min(span, talk.duration_s)) / talk.duration_s}%`;
  }

  function clock(time) {
    const tenths = Math.round(time * 10);
    return `${Math.floor(tenths / 600)}:${String(Math.floor((tenths % 600) / 10)).padStart(2, "0")}.${tenths % 10}`;
  }

  function show(at) {
    $("clock").textContent = `${clock(at)} / ${clock(talk.duration_s)}`;
    $("play").textContent = playing() ? "❚❚ Pause" : "▶ Play";
    const place = (at - from) / span;
    $("head").hidden = place < 0 || place > 1;
    $("head").style.left = `${100 * place}%`;
    $("overview-head").style.left = `${(100 * at) / talk.duration_s}%`;
    const current = said.findLastIndex((item) => item.start_s <= at + 0.01 && at < item.end_s);
    said.forEach((item, index) => {
      if ((index === current) === item.button.hasAttribute("aria-current")) return;
      item.button.toggleAttribute("aria-current", index === current);
      if (index === current) {
        item.button.setAttribute("aria-current", "true");
        const list = $("transcript"), top = item.button.parentElement.offsetTop - list.offsetTop;
        if (top < list.scrollTop || top > list.scrollTop + list.clientHeight - 40) list.scrollTop = top - 60;
      }
    });
  }

  // --- events -------------------------------------------------------------------------------------------------------

  function choose(place) {
    chosen = place;
    const event = talk.events[place];
    const told = [`${event.name} · speaker ${event.speaker} · ${clock(event.start_s)} to ${clock(event.end_s)} (${Math.round(1000 * (event.end_s - event.start_s))} ms)`, ...event.told];
    $("event").replaceChildren(...told.map((text, index) => node(index ? "span" : "b", text)), button("▶ play it", () => {
      seek(event.start_s - AROUND_S);
      play(event.end_s + AROUND_S);
    }));
    seek(event.start_s);
    look();
  }

  function step(kind, way) {
    const places = talk.events.map((event, place) => place).filter((place) => talk.events[place].kind === kind);
    if (!places.length) return;
    const at = chosen >= 0 && talk.events[chosen].kind === kind && Math.abs(talk.events[chosen].start_s - now()) < 2 * AROUND_S
      ? places.indexOf(chosen) + way
      : way > 0 ? places.findIndex((place) => talk.events[place].start_s >= now()) : places.findLastIndex((place) => talk.events[place].start_s < now());
    choose(places[(at < 0 ? (way > 0 ? 0 : places.length - 1) : at) % places.length]);
  }

  function node(name, text, look) {
    const element = document.createElement(name);
    element.textContent = text;
    if (look) element.className = look;
    return element;
  }

  function button(text, work, label) {
    const element = node("button", text);
    element.type = "button";
    if (label) element.setAttribute("aria-label", label);
    element.addEventListener("click", work);
    return element;
  }

  function chips() {
    $("chips").replaceChildren(...Object.entries(KINDS).map(([kind, [one, name]]) => {
      const count = talk.events.filter((event) => event.kind === kind).length;
      const item = node("li", "", kind), text = node("span", `${count} ${count === 1 ? one : name}`);
      item.append(button("‹", () => step(kind, -1), `${name}: the one before`), text, button("›", () => step(kind, 1), `${name}: the next one`));
      item.querySelectorAll("button").forEach((each) => { each.disabled = !count; });
      return item;
    }));
  }

  function transcript() {
    const turns = talk.events.filter((event) => event.kind === "turn");
    const within = (event) => turns.some((turn) => turn.speaker === event.speaker && turn.start_s < event.end_s && event.start_s < turn.end_s);
    said = talk.events.filter((event) => event.kind === "turn" || event.kind === "backchannel" || (event.kind === "interruption" && !within(event)));
    said = said.map((event) => ({ ...event }));
    $("transcript").replaceChildren(...said.map((item) => {
      const own = talk.words.filter((word) => word.speaker === item.speaker && word.start_s < item.end_s && word.end_s > item.start_s);
      const text = own.map((word) => word.word).join(" ") || `(${(item.end_s - item.start_s).toFixed(1)} s of ${item.kind === "turn" ? "speech" : item.name})`;
      item.button = button("", () => { seek(item.start_s); play(); });
      item.button.append(node("small", `${item.speaker} ${clock(item.start_s)}`), ` ${text} `);
      if (item.kind !== "turn") item.button.append(node("em", item.name, item.kind));
      const cuts = item.kind === "turn" && talk.events.some((event) => event.kind === "interruption" && event.speaker === item.speaker && Math.abs(event.start_s - item.start_s) < 0.05);
      if (cuts) item.button.append(node("em", "interrupts", "interruption"));
      const line = node("li", "", item.speaker);
      line.append(item.button);
      return line;
    }));
  }

  // --- the sound ----------------------------------------------------------------------------------------------------

  function sound(address) {
    const [head, body] = address.split(",");
    const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
    const element = new Audio(URL.createObjectURL(new Blob([bytes], { type: head.slice(5).split(";")[0] })));
    element.preservesPitch = true;
    return element;
  }

  function hear() {
    const side = document.querySelector("input[name=hear]:checked").value;
    if (!audio || (side === "both" && !graph)) return;
    if (!graph) {
      const context = new AudioContext();
      graph = { context, source: context.createMediaElementSource(audio), splitter: context.createChannelSplitter(2) };
    }
    graph.source.disconnect();
    graph.splitter.disconnect();
    if (side === "both") graph.source.connect(graph.context.destination);
    else {
      graph.source.connect(graph.splitter);
      graph.splitter.connect(graph.context.destination, side === "a" ? 0 : 1);
    }
    graph.context.resume();
  }

  // --- one conversation after the other -----------------------------------------------------------------------------

  function open(place) {
    if (talk) pause();
    if (waves) waves.destroy();
    if (audio) URL.revokeObjectURL(audio.src);
    if (graph) graph.context.close();
    talk = talks[place];
    [audio, graph, silent, chosen, from, stopAt] = [null, null, { at: 0, since: null }, -1, 0, Infinity];
    if (talk.sound) {
      audio = sound(talk.sound);
      audio.addEventListener("ended", () => show(now()));
    }
    $("no-sound").hidden = Boolean(audio);
    $("no-sound").textContent = talk.no_sound || "";
    $("hear").disabled = !audio;
    $("zoom").max = Math.max(talk.duration_s, 5);
    span = Math.min(span, talk.duration_s);
    $("zoom").value = span;
    const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const track = (name) => ({ waveColor: colour(name), progressColor: colour(name) });
    waves = WaveSurfer.create({
      container: $("waves"), height: 60, splitChannels: [track("--a"), track("--b")], minPxPerSec: $("lanes").clientWidth / span,
      peaks: talk.peaks.map((row) => row.map((value) => value / 100)), duration: talk.duration_s, interact: false, cursorWidth: 0,
      hideScrollbar: true, autoScroll: false, autoCenter: false, cspNonce: data.dataset.nonce, ...(audio ? { media: audio } : {}),
      plugins: [WaveSurfer.Timeline.create({ height: 18, formatTimeCallback: (time) => clock(time).replace(/\.0$/, "") })],
    });
    waves.on("ready", look);
    waves.getWrapper().parentElement.tabIndex = -1; // what scrolls is a stop of the tab key in Chromium, and these are hidden from readers
    Lanes.overview($("overview"), talk);
    const cut = talk.whole_s > talk.duration_s + 0.5 ? ` · the first ${clock(talk.duration_s)} of ${clock(talk.whole_s)}` : "";
    $("about").textContent = talk.about + cut;
    $("event").textContent = "Choose an event with the arrows above or in the lanes to see what was measured.";
    chips();
    transcript();
    hear();
    speed();
    look();
    show(0);
  }

  function speed() {
    if (audio) audio.playbackRate = $("speed").value;
    else seek(now());
  }

  function pointed(element, event, wide, start) {
    const box = element.getBoundingClientRect();
    return start + ((event.clientX - box.left) / box.width) * wide;
  }

  $("player").hidden = false;
  $("choice").replaceChildren(...talks.map((each, place) => new Option(each.why ? `${each.label}: ${each.why}` : each.label, place)));
  $("choice").addEventListener("change", () => open(Number($("choice").value)));
  $("play").addEventListener("click", () => (playing() ? pause() : play()));
  $("speed").addEventListener("change", speed);
  $("hear").addEventListener("change", hear);
  $("zoom").addEventListener("input", () => {
    span = Math.min(Number($("zoom").value), talk.duration_s);
    from = now() - span / 2;
    follow(now(), true);
    look();
    show(now());
  });
  $("strip").addEventListener("click", (event) => seek(pointed($("strip"), event, talk.duration_s, 0)));
  $("view").addEventListener("click", (event) => {
    const place = event.target.dataset && event.target.dataset.event;
    if (place !== undefined) choose(Number(place));
    else seek(pointed($("view"), event, span, from));
  });
  addEventListener("resize", () => { look(); show(now()); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => open(Number($("choice").value)));
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest("input, select, textarea");
    if (event.ctrlKey || event.metaKey || event.altKey || field) return;
    const work = {
      " ": () => (playing() ? pause() : play()), ArrowLeft: () => seek(now() - STEP_S), ArrowRight: () => seek(now() + STEP_S),
      o: () => step("overlap", 1), i: () => step("interruption", 1), b: () => step("backchannel", 1),
    }[event.key];
    if (!work || (event.key === " " && event.target.closest("button, summary, a"))) return;
    event.preventDefault();
    work();
  });
  open(0);
})();
