// SPDX-License-Identifier: Apache-2.0
"use strict";
(() => {
	// Everything that comes from the agent is put in as text or as an attribute's value, never as markup.
	const $ = id => document.getElementById(id);
	const SVG = "http://www.w3.org/2000/svg";
	const state = { view: null, at: 0, skew: 0, failing: null, timer: 0, shown: {}, place: null, range: null, rates: {} };

	function fill(node, kids) {
		for (const kid of kids.flat(4))
			if (kid !== null && kid !== undefined && kid !== false)
				node.append(kid.nodeType ? kid : String(kid));
		return node;
	}

	function h(what, ...kids) {
		const [tag, ...classes] = what.split(".");
		const node = document.createElement(tag);
		if (classes.length)
			node.className = classes.join(" ");
		if (kids.length && kids[0] !== null && typeof kids[0] === "object" && !kids[0].nodeType && !Array.isArray(kids[0]))
			for (const [name, value] of Object.entries(kids.shift()))
				if (value !== null && value !== undefined && value !== false)
					node.setAttribute(name, value);
		return fill(node, kids);
	}

	function s(tag, attributes, ...kids) {
		const node = document.createElementNS(SVG, tag);
		for (const [name, value] of Object.entries(attributes))
			node.setAttribute(name, value);
		return fill(node, kids);
	}

	// ---- figures for people ----

	const known = value => value !== null && value !== undefined;
	const plural = (n, word) => `${n.toLocaleString()} ${word}${n === 1 ? "" : "s"}`;

	function span(ms) {
		if (!known(ms))
			return "not known";
		if (ms < 1000)
			return `${Math.round(ms)} ms`;
		const sec = ms / 1000;
		if (sec < 60)
			return `${sec < 10 ? sec.toFixed(1) : Math.round(sec)} s`;
		const min = Math.floor(sec / 60);
		if (min < 60)
			return `${min} min${Math.floor(sec % 60) && min < 10 ? ` ${Math.floor(sec % 60)} s` : ""}`;
		const hours = Math.floor(min / 60);
		if (hours < 48)
			return `${hours} h${min % 60 ? ` ${min % 60} min` : ""}`;
		return `${Math.floor(hours / 24)} days`;
	}

	function size(bytes) {
		if (!known(bytes))
			return "not known";
		const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
		let i = 0;
		for (; bytes >= 1024 && i < units.length - 1; i++)
			bytes /= 1024;
		return `${i && bytes < 10 ? bytes.toFixed(1) : Math.round(bytes)} ${units[i]}`;
	}

	function big(n) {
		if (n < 1e4)
			return n.toLocaleString();
		return new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 }).format(n);
	}

	const clockOf = (more, zone) => new Intl.DateTimeFormat(undefined, { ...more, ...(zone ? { timeZone: zone } : {}) });
	const withZone = clockOf({ weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
	const plain = clockOf({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
	const seconds = clockOf({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
	const dayOnly = clockOf({ day: "numeric", month: "short" });
	const here = Intl.DateTimeFormat().resolvedOptions().timeZone;

	function when(text, how) {
		const at = new Date(text);
		return isNaN(at) ? "not known" : (how || plain).format(at);
	}

	// The same moment in the zone of a schedule, where that reads differently.
	function elsewhere(text, zone) {
		try {
			const there = clockOf({ weekday: "short", hour: "2-digit", minute: "2-digit" }, zone || "UTC").format(new Date(text));
			const local = clockOf({ weekday: "short", hour: "2-digit", minute: "2-digit" }).format(new Date(text));
			return there === local ? null : `${there} in ${zone || "UTC"}`;
		} catch {
			return null;    // a zone this browser has never heard of
		}
	}

	// By the agent's clock: this one may be wrong.
	const now = () => Date.now() + state.skew;

	function distance(text) {
		const ms = now() - new Date(text);
		if (Math.abs(ms) < 1500)
			return "now";
		const rough = Math.abs(ms) < 60e3 ? `${Math.round(Math.abs(ms) / 1000)} s` : span(Math.floor(Math.abs(ms) / 60e3) * 60e3);
		return ms > 0 ? `${rough} ago` : `in ${rough}`;
	}

	// Kept right by tick() without drawing anything anew.
	const relative = text => h("time", { datetime: text, "data-at": text, title: when(text, withZone) }, distance(text));

	// ---- drawing: a part is drawn anew only when what it shows has changed, and keeps focus and what was opened ----

	function draw(node, key, data, make) {
		const text = JSON.stringify(data);
		if (state.shown[key] === text)
			return;
		state.shown[key] = text;
		const open = [...node.querySelectorAll("details[open]")].map(d => d.dataset.key);
		const focus = node.contains(document.activeElement) ? document.activeElement.dataset.key : null;
		node.replaceChildren();
		fill(node, [make(data)]);
		for (const d of node.querySelectorAll("details"))
			d.open = open.includes(d.dataset.key);
		if (focus)
			[...node.querySelectorAll("[data-key]")].find(n => n.dataset.key === focus)?.focus({ preventScroll: true });
	}

	const pill = (kind, text) => h(kind ? `span.pill.${kind}` : "span.pill", text);

	function figure(name, value, kind, more) {
		return h("div", h("dt", name), h(kind ? `dd.${kind}` : "dd", value, more ? h("small", more) : null));
	}

	// ---- what needs attention ----

	function notice(kind, title, text, hint, at) {
		return { kind, title, text: text || "", hint: hint || "", at: at || null };
	}

	function ofReplica(i) {
		const found = [];
		const channels = i.observation?.channels || [];
		const said = channels.map(c => c.applier?.error).filter(Boolean).join("\n");
		if (i.journal)
			found.push(notice("bad", `${i.name}: a run that died has left its journal`, "The applier may stand still because of it.",
				"The next run of that replica, or slackwater recover, starts what was stopped."));
		if (i.looked && !i.reachable)
			found.push(notice("bad", `${i.name} cannot be reached`, i.error?.message, i.error?.hint, i.looked));
		else if (i.applier === "error")
			found.push(notice("bad", `${i.name}: the applier was stopped by an error`, said, "slackwater recover explains it, and touches nothing unless it is told to."));
		else if (i.applier === "stopped" && !i.busy)
			found.push(notice("warn", `${i.name}: the applier is stopped`, "Not by us. It is left alone. Backups go on, and hold nothing newer than what it has applied."));
		else if (i.error)
			found.push(notice("warn", `${i.name} could not be looked at`, i.error.message, i.error.hint, i.looked));
		const away = i.reachable ? channels.filter(c => c.receiver && !c.receiver.running) : [];
		if (away.length)
			found.push(notice(away.some(c => c.receiver.errno) ? "bad" : "warn", `${i.name}: nothing new arrives from its source`,
				away.map(c => c.receiver.error || "The receiver is not connected.").join("\n"), "Backups go on, and what is in them gets older. slackwater recover explains it."));
		return found;
	}

	function ofPlan(p, proofAge) {
		const found = [];
		if (proofAge && p.proof_schedule && p.newest_proven && now() - new Date(p.newest_proven) > proofAge)
			found.push(notice("bad", `${p.name}: nothing newer than ${distance(p.newest_proven)} is proven`, `Configured is a proof every ${span(proofAge)} at least.`,
				"See what the last proofs ended with, below.", p.newest_proven));
		if (p.last?.state === "failed")
			found.push(notice("bad", `${p.name}: ${p.failures > 1 ? `${p.failures} backups failed in a row` : "the last backup failed"}`,
				p.last.error?.message, p.last.error?.hint, p.last.ended));
		if (p.last_proof?.state === "failed")
			found.push(notice("bad", `${p.name}: the last proof failed`, p.last_proof.error?.message, p.last_proof.error?.hint, p.last_proof.ended));
		return found;
	}

	function troubles(view) {
		const found = [];
		if (view.agent.config?.error)
			found.push(notice("warn", "The configuration was not loaded again", `${view.agent.config.error}\nThe one before is in force.`, "Correct the file and load it again: SIGHUP, or the command reload."));
		if (view.agent.paused)
			found.push(notice("warn", "All schedules are paused", "", "slackwater resume lets them go on."));
		for (const i of view.instances || [])
			found.push(...ofReplica(i));
		for (const p of view.snapshots || [])
			found.push(...ofPlan(p, view.agent.proof_age_ms));
		for (const r of view.runs || [])
			if (r.told_to_end && now() - Date.parse(r.told_to_end) > 120000)
				found.push(notice("bad", `${r.id} does not end`, "It was told to, and waits for a store, a disk or a server that does not answer.",
					"See to what it waits for; the agent's log names the process.", r.told_to_end));
		for (const r of view.repositories || [])
			if (r.error)
				found.push(notice("bad", `${r.store}: snapshots of ${r.instance} cannot be listed`, r.error.message, r.error.hint));
		return found;
	}

	const drawTroubles = list => list.map(t => h(`div.notice.${t.kind}`, t.at ? h("span.when", relative(t.at)) : null, h("strong", t.title),
		t.text ? h("p.text", t.text) : null, t.hint ? h("p.hint", h("b", "What to do: "), t.hint) : null));

	// ---- what runs ----

	const kinds = { backup: "Backup", expire: "Removal of old snapshots", proof: "Proof by restoring", list: "Listing" };

	// Bytes a second, over what has been seen of this run.
	function rate(run) {
		const done = run.progress?.bytes_done;
		if (!known(done))
			return null;
		const seen = state.rates[run.id] ||= [];
		if (!seen.length || seen.at(-1).done !== done || seen.at(-1).area !== run.progress.area)
			seen.push({ at: now(), done, area: run.progress.area });
		const first = seen.findLast((r, k) => r.area !== run.progress.area || k < seen.length - 8) || seen[0];
		const last = seen.at(-1);
		return first.area === last.area && last.at - first.at > 1500 ? (last.done - first.done) * 1000 / (last.at - first.at) : null;
	}

	// Once the applier runs again, what goes on is the reading of rows.
	function doing(run) {
		const { phase, progress } = run;
		if (phase?.name === "RUNNING" && progress?.area === "dump")
			return [h("b", "Reading rows"), ": the applier runs meanwhile"];
		return phase ? [h("b", phase.name || phase.area), phase.text ? `: ${phase.text}` : ""] : "";
	}

	function drawRun(run) {
		const p = run.progress;
		const total = p?.bytes_total >= p?.bytes_done ? p.bytes_total : 0;	// the server's estimate; one that was too low says nothing
		const share = total ? p.bytes_done / total : null;
		const speed = rate(run);
		const bar = h("div");
		if (share !== null)
			bar.style.width = `${(share * 100).toFixed(1)}%`;
		return h("div.card.live",
			h("div.head", h("h3", `${kinds[run.kind] || run.kind} of ${run.snapshot || run.instance}`), h("span.sub", `${run.instance}, by ${run.trigger || "request"}`), pill("busy", "Running")),
			h(share === null ? "div.track.unknown" : "div.track", { role: "progressbar", "aria-label": "Progress", "aria-valuemin": 0, "aria-valuemax": 100,
				"aria-valuenow": share === null ? null : Math.round(share * 100) }, bar),
			h("div.between", h("span.big", share === null ? (p ? size(p.bytes_done) : "Under way") : `${(share * 100).toFixed(share < .1 ? 1 : 0)} %`),
				h("span.sub", p ? [size(p.bytes_done), total ? ` of ${size(total)}` : "", p.rows_done ? `, ${big(p.rows_done)} rows` : "",
					speed > 0 ? `, ${size(speed)}/s` : "", speed > 0 && total > p.bytes_done ? `, about ${span((total - p.bytes_done) * 1000 / speed)} left` : ""] : null)),
			h("div.between", h("span.sub", doing(run)),
				h("span.sub", "begun ", run.started ? relative(run.started) : "")));
	}

	// ---- replicas ----

	const appliers = { running: ["ok", "Running"], stopped: ["warn", "Stopped"], error: ["bad", "Error"], "no replica": ["", "No replica"], unknown: ["", "Not known"] };

	function drawChannel(c, several) {
		const busy = (c.workers || []).filter(w => w.busy).length;
		const dots = (c.workers || []).map(w => h(!w.running ? "i.off" : w.waits_for_row ? "i.waits" : w.busy ? "i.on" : "i",
			{ title: !w.running ? "stopped" : w.waits_for_row ? "waits for a row lock" : w.busy ? "busy" : "idle" }));
		const label = c.applier?.running ? (dots.length ? `${busy} of ${plural(dots.length, "worker")} busy` : "applier running") :
			c.applier?.errno ? `applier stopped by error ${c.applier.errno}` : "applier stopped";
		return h("div.channel", h("div", several || c.name ? h("b", `${c.name || "default channel"}: `) : null, label,
			dots.length ? h("span.workers", { "aria-hidden": "true" }, dots) : null),
			several ? h("div.sub", `lag ${span(c.lag_ms ?? (known(c.lag_s) ? c.lag_s * 1000 : null))}, gap ${known(c.gap_transactions) ? c.gap_transactions.toLocaleString() : "not known"}`) : null,
			c.reasons?.length ? h("ul.reasons", c.reasons.map(r => h("li", r))) : null);
	}

	function drawReplica(i) {
		let [kind, word] = appliers[i.applier] || ["", i.applier];
		if (i.busy && i.applier === "stopped")
			[kind, word] = ["busy", "Still, for a backup"];
		if (!i.looked)
			[kind, word] = ["", "Not looked at yet"];
		const server = i.observation?.server, channels = i.observation?.channels || [], slow = i.lag_ms > 300e3;
		return h("article.card", h("div.head", h("h3", i.name), i.busy ? h("span.tag", "backup under way") : null, pill(kind, word)),
			h("p.sub", [i.endpoint, server ? `${server.flavor === "mariadb" ? "MariaDB" : "MySQL"} ${server.version.split("-")[0]}` : null].filter(Boolean).join(" · ")),
			h("dl.figures",
				figure("Gap now", known(i.gap_transactions) ? i.gap_transactions.toLocaleString() : "–", !known(i.gap_transactions) ? "none" : i.gap_transactions ? "warn" : "",
					!known(i.gap_transactions) ? "not known" : i.gap_transactions ? "transactions" : "no gap"),
				figure("Lag", known(i.lag_ms) ? span(i.lag_ms) : "–", !known(i.lag_ms) ? "none" : slow ? "warn" : "", known(i.lag_ms) ? "behind the source" : "not known"),
				figure("Not applied", known(i.behind_transactions) ? big(i.behind_transactions) : "–", known(i.behind_transactions) ? "" : "none", known(i.behind_transactions) ? "received transactions" : "not known")),
			channels.map(c => drawChannel(c, channels.length > 1)),
			h("p.sub", { class: "sub channel" }, i.looked ? ["Looked at ", relative(i.looked)] : "The first look is under way"));
	}

	// ---- schedules ----

	function drawPlan(p) {
		const r = p.last_success?.result;
		const [kind, word] = p.running ? ["busy", "Running"] : p.paused ? ["warn", "Paused"] : p.last?.state === "failed" ? ["bad", "Failed"] :
			p.last_success ? ["ok", "Well"] : ["", "Not run yet"];
		const other = p.next ? elsewhere(p.next, p.timezone) : null;
		const line = (name, ...value) => [h("dt", name), h("dd", value)];
		return h("article.card", h("div.head", h("h3", p.name), pill(kind, word)), h("p.sub", `${p.instance} → ${p.store}`),
			h("dl.rows",
				line("Next run", p.paused ? "when it is resumed" : p.next ? [when(p.next, withZone), h("small", relative(p.next), other ? `, ${other}` : null)] : p.schedule ? "not planned" : "only when asked for"),
				p.waits_for ? line("Waits for", p.waits_for) : null,
				line("Schedule", p.schedule ? [h("code", p.schedule), h("small", p.timezone || "UTC")] : "none"),
				line("Last good", p.last_success ? [relative(p.last_success.started), r ? h("small", `paused ${span(r.pause_ms)}, took ${span(r.elapsed_ms)}, ${size(r.stored_bytes)} stored`) : null] : "none yet"),
				p.next_proof || p.last_proof || p.newest_proven ? line("Proven", p.newest_proven ? [relative(p.newest_proven)] : "nothing yet",
					p.next_proof ? h("small", `next proof ${when(p.next_proof, withZone)}`) : null) : null,
				p.missed ? line("Dropped", plural(p.missed, "due time"), p.last_missed?.why ? h("small", `${when(p.last_missed.due)}: ${p.last_missed.why}`) : null) : null));
	}

	// ---- the timeline ----

	const RANGES = [["7 days", 7], ["30 days", 30], ["All", 0]];

	function median(values) {
		const sorted = [...values].sort((a, b) => a - b);
		return sorted.length ? sorted[sorted.length >> 1] : null;
	}

	function nice(top) {
		const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 43200, 86400].map(v => v * 1000);
		return steps.find(v => top / v <= 3) || Math.ceil(top / 3);
	}

	function scales(list, width) {
		const t0 = +new Date(list[0].time), t1 = Math.max(+new Date(list.at(-1).time), t0 + 1);
		const left = 52, right = width - 10, pauses = list.map(x => Math.max(1, x.pause_ms || 1));
		const low = Math.floor(Math.log10(Math.min(...pauses))), high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...pauses))));
		const longest = Math.max(1000, ...list.map(x => x.duration_ms || 0));
		return { t0, t1, left, right, low, high, longest,
			x: time => list.length < 2 ? (left + right) / 2 : left + 6 + (new Date(time) - t0) / (t1 - t0) * (right - left - 12),
			pause: ms => 134 - (Math.log10(Math.max(1, ms || 1)) - low) / (high - low) * 104,
			duration: ms => 262 - (ms || 0) / longest * 82 };
	}

	// Local midnights, as many as there is room for; of less than three days the first and the last moment.
	function marks(list, c) {
		const room = Math.max(2, Math.floor((c.right - c.left) / 80)), days = (c.t1 - c.t0) / 864e5;
		if (days < 3)
			return list.length < 2 ? [[c.t0, plain.format(c.t0)]] : [[c.t0 + (c.t1 - c.t0) * .06, plain.format(c.t0)], [c.t1 - (c.t1 - c.t0) * .06, plain.format(c.t1)]];
		const found = [], day = new Date(c.t0), step = [1, 2, 3, 7, 14, 30, 60, 90, 180, 365].find(n => days / n <= room) || Math.ceil(days / room);
		for (day.setHours(24, 0, 0, 0); +day <= c.t1; day.setDate(day.getDate() + step))
			found.push([+day, dayOnly.format(day)]);
		return found;
	}

	function grid(list, c) {
		const parts = [s("text", { x: 0, y: 12, class: "title" }, "Pause of the applier"), s("text", { x: 0, y: 164, class: "title" }, "Duration")];
		for (let e = c.low; e <= c.high; e++)
			parts.push(s("line", { class: "grid", x1: c.left, x2: c.right, y1: c.pause(10 ** e), y2: c.pause(10 ** e) }),
				s("text", { x: c.left - 8, y: c.pause(10 ** e) + 4, "text-anchor": "end" }, span(10 ** e)));
		for (let v = 0, step = nice(c.longest); v <= c.longest; v += step)
			parts.push(s("line", { class: "grid", x1: c.left, x2: c.right, y1: c.duration(v), y2: c.duration(v) }),
				s("text", { x: c.left - 8, y: c.duration(v) + 4, "text-anchor": "end" }, v ? span(v) : "0"));
		for (const [at, text] of marks(list, c))
			parts.push(s("text", { x: Math.min(c.x(at), c.right - 18), y: 292, "text-anchor": "middle" }, text));
		return parts;
	}

	function plot(list, width) {
		const c = scales(list, width), sparse = list.length * 7 < width, limit = 4 * (median(list.map(x => x.pause_ms || 0)) || 1);
		const path = (some, make) => some.map(make).join("");
		const usual = list.filter(x => x.pause_ms <= limit || x.pause_ms < 100), over = list.filter(x => !(x.pause_ms <= limit || x.pause_ms < 100));
		const dot = x => `M${c.x(x.time).toFixed(1)} ${c.pause(x.pause_ms).toFixed(1)}h0`;
		const stem = x => `M${c.x(x.time).toFixed(1)} 134V${c.pause(x.pause_ms).toFixed(1)}`;
		const curve = list.map((x, i) => `${i ? "L" : "M"}${c.x(x.time).toFixed(1)} ${c.duration(x.duration_ms).toFixed(1)}`).join("");
		const big = sparse ? 7 : list.length > width / 2 ? 3 : 4.5;
		const pauses = list.map(x => x.pause_ms || 0);
		return [c, s("svg", { viewBox: `0 0 ${width} 298`, height: 298, role: "img", "aria-label":
			`${plural(list.length, "snapshot")}: pauses of the applier between ${span(Math.min(...pauses))} and ${span(Math.max(...pauses))}, median ${span(median(pauses))}; longest duration ${span(c.longest)}` },
			grid(list, c),
			sparse ? s("path", { class: "stem", d: path(list, stem), "stroke-width": 2 }) : null,
			s("path", { class: "dot", d: path(usual, dot), "stroke-width": big }),
			s("path", { class: "dot over", d: path(over, dot), "stroke-width": big + 1.5 }),
			list.length > 1 ? s("path", { class: "area", d: `${curve}V262H${c.x(list[0].time).toFixed(1)}Z` }) : null,
			s("path", { class: "curve", d: list.length > 1 ? curve : "" }),
			sparse ? s("path", { class: "dot", d: path(list, x => `M${c.x(x.time).toFixed(1)} ${c.duration(x.duration_ms).toFixed(1)}h0`), "stroke-width": 5 }) : null,
			s("path", { class: "proof", d: path(list.filter(x => x.proven), x => `M${c.x(x.time).toFixed(1)} 273h0`) }))];
	}

	const describe = x => [h("b", when(x.time, withZone)), `: paused ${span(x.pause_ms)}, took ${span(x.duration_ms)}, ${size(x.bytes)}`,
		[x.proven ? "proven" : "", x.pinned ? "pinned" : "", x.encrypted ? "encrypted" : "", x.partial ? "partial" : ""].filter(Boolean).map(w => `, ${w}`), " ", h("code", x.id)];

	// One snapshot is picked out by pointer or arrow keys.
	function chart(list) {
		const box = h("div.chart", { tabindex: 0, role: "group", "data-key": "chart", "aria-label": "Timeline of snapshots; arrow keys go from one to the next" });
		const read = h("p.read", { "aria-live": "polite" }, h("span.sub", "Point at a snapshot, or use the arrow keys."));
		const cursor = s("line", { class: "cursor", y1: 22, y2: 278 });
		let c = null, at = -1;
		const pick = index => {
			at = Math.max(0, Math.min(list.length - 1, index));
			const x = c.x(list[at].time);
			cursor.setAttribute("x1", x);
			cursor.setAttribute("x2", x);
			box.firstChild.append(cursor);
			read.replaceChildren();
			fill(read, describe(list[at]));
		};
		const resize = () => {
			const [scale, picture] = plot(list, Math.max(280, box.clientWidth || 900));
			c = scale;
			box.replaceChildren(picture);
			if (at >= 0)
				pick(at);
		};
		box.addEventListener("pointermove", event => {
			const x = event.clientX - box.getBoundingClientRect().left;
			let best = 0;
			list.forEach((y, i) => { if (Math.abs(c.x(y.time) - x) < Math.abs(c.x(list[best].time) - x)) best = i; });
			if (best !== at)
				pick(best);
		});
		box.addEventListener("keydown", event => {
			const to = { ArrowLeft: at < 0 ? list.length - 1 : at - 1, ArrowRight: at + 1, Home: 0, End: list.length - 1 }[event.key];
			if (to === undefined)
				return;
			event.preventDefault();
			pick(to);
		});
		new ResizeObserver(() => { if (box.isConnected) resize(); }).observe(box);
		return [box, read];
	}

	const MORE = 50;

	function table(list) {
		const rows = list.slice(-MORE).reverse();
		return h("details", { "data-key": "table" }, h("summary", list.length > MORE ? `The newest ${MORE} as a table` : "As a table"),
			h("div.wide", h("table", h("thead", h("tr", ["Taken", "Id"].map(t => h("th", t)), ["Pause", "Duration", "Stored"].map(t => h("th.n", t)), h("th", ""))),
				h("tbody", rows.map(x => h("tr", h("td", when(x.time)), h("td", h("code", x.id)), h("td.n", span(x.pause_ms)), h("td.n", span(x.duration_ms)), h("td.n", size(x.bytes)),
					h("td", [x.proven ? "proven" : "", x.pinned ? "pinned" : "", x.partial ? "partial" : ""].filter(Boolean).join(", "))))))));
	}

	function drawTimeline([places, place, range]) {
		if (!places.length)
			return h("div.card.empty", h("strong", "No snapshots yet"), "They appear here once a repository has been listed.");
		const r = places[place] || places[0], all = [...(r.snapshots || [])].reverse();
		const since = range ? now() - range * 864e5 : 0, list = all.filter(x => new Date(x.time) >= since);
		const choose = h("select", { "aria-label": "Repository", "data-key": "place" }, places.map((p, i) => h("option", { value: i, selected: i === place ? "" : null }, `${p.instance} in ${p.store}`)));
		choose.addEventListener("change", () => { state.place = +choose.value; state.range = null; drawAll(); });
		const ranges = RANGES.map(([name, days]) => {
			const b = h("button", { type: "button", "data-key": `range ${days}`, "aria-pressed": String(days === range) }, name);
			b.addEventListener("click", () => { state.range = days; drawAll(); });
			return b;
		});
		const pauses = list.map(x => x.pause_ms || 0);
		return h("div.card", h("div.tools", choose, h("div.choice", { role: "group", "aria-label": "Time shown" }, ranges), h("span.sub", r.listed ? ["Listed ", relative(r.listed)] : "Not listed yet")),
			list.length ? [h("dl.figures", figure("Snapshots", list.length.toLocaleString()), figure("Stored", size(list.reduce((sum, x) => sum + (x.bytes || 0), 0))),
				figure("Median pause", span(median(pauses))), figure("Longest pause", span(Math.max(...pauses))), figure("Proven", list.filter(x => x.proven).length.toLocaleString())),
			h("figure", chart(list), h("figcaption.legend", h("b", "●"), " proven by a restore. Pauses on a logarithmic scale.")), table(list)] :
				h("div.empty", h("strong", all.length ? "No snapshot in this time" : "No snapshots yet"), all.length ? "Choose a longer one above." : ""));
	}

	// ---- runs ----

	const results = { succeeded: ["ok", "Done"], failed: ["bad", "Failed"], cancelled: ["warn", "Cancelled"], running: ["busy", "Running"] };

	function drawRuns(list) {
		if (!list.length)
			return h("div.card.empty", h("strong", "Nothing has run yet"), "Backups, proofs and removals appear here.");
		const row = r => {
			const [kind, word] = results[r.state] || ["", r.state];
			return h("tr", h("td", h("b", kinds[r.kind] || r.kind), ` ${r.snapshot || r.instance || ""}`), h("td", pill(kind, word)),
				h("td", when(r.started)), h("td.n", r.ended && r.started ? span(new Date(r.ended) - new Date(r.started)) : ""),
				h("td.why", r.error ? [r.error.message, r.error.hint ? h("small", r.error.hint) : null] : r.result && known(r.result.pause_ms) ?
					`paused ${span(r.result.pause_ms)}, waited ${span(r.result.wait_ms)}, ${size(r.result.stored_bytes)} stored${r.result.warnings?.length ? `, ${plural(r.result.warnings.length, "warning")}` : ""}` : ""));
		};
		const block = some => h("table.flow", h("thead", h("tr", h("th", "Run"), h("th", "Result"), h("th", "Begun"), h("th.n", "Took"), h("th", ""))), h("tbody", some.map(row)));
		return h("div.card", h("div.wide", block(list.slice(0, 12))),
			list.length > 12 ? h("details", { "data-key": "older" }, h("summary", `${plural(list.length - 12, "older run")}`), h("div.wide", block(list.slice(12, 200)))) : null);
	}

	// ---- all of it ----

	function verdict(list, view) {
		const bad = list.filter(t => t.kind === "bad").length;
		const [kind, word] = bad ? ["bad", `${plural(bad, "problem")}`] : list.length ? ["warn", `${plural(list.length, "thing")} to look at`] :
			view.agent.stopping ? ["warn", "Ending"] : !(view.instances || []).length ? ["", "Nothing configured"] :
				!(view.snapshots || []).length ? ["", "Nothing scheduled"] : ["ok", "All is well"];
		$("verdict").className = `pill ${kind}`;
		$("verdict").textContent = word;
		document.title = bad ? `(${bad}) Slackwater` : "Slackwater";
	}

	function drawAll() {
		const view = state.view, list = troubles(view), running = (view.runs || []).filter(r => r.state === "running");
		const body = id => $(id).lastElementChild, places = view.repositories || [];
		state.place ??= Math.max(0, places.findIndex(p => p.snapshots?.length));
		state.range ??= (places[state.place]?.snapshots || []).length > 200 ? 30 : 0;
		verdict(list, view);
		draw($("attention"), "attention", list, drawTroubles);
		draw($("running"), "running", running, runs => runs.map(drawRun));
		draw(body("replicas"), "replicas", view.instances || [], all => all.length ? all.map(drawReplica) :
			h("div.card.empty", h("strong", "No replica is configured"), "Add an [instance NAME] to the agent's configuration."));
		draw(body("plans"), "plans", view.snapshots || [], all => all.length ? all.map(drawPlan) :
			h("div.card.empty", h("strong", "No schedule yet"), "Add a [snapshot NAME] with a schedule, and reload."));
		draw(body("timeline"), "timeline", [places, state.place, state.range], drawTimeline);
		draw(body("runs"), "runs", view.runs || [], drawRuns);
		draw($("foot"), "foot", [view.agent.version, view.agent.started, view.agent.config?.file], ([version, started, file]) => [
			h("span", `Slackwater ${version}`), started ? h("span", "running since ", when(started, withZone)) : null, file ? h("span", h("code", file)) : null,
			h("span", `times in ${here}`), saved() ? null : [h("a", { href: "metrics" }, "metrics"), h("a", { href: "api/v1/status" }, "status as JSON")]]);
		document.body.classList.toggle("moving", running.length > 0);
		$("content").hidden = false;
		tick();
	}

	// Figures that are old must look old: no answer, or an agent that answers and has stopped looking.
	function tick() {
		for (const node of document.querySelectorAll("[data-at]")) {
			const text = distance(node.dataset.at);
			if (node.textContent !== text)
				node.textContent = text;
		}
		if (!state.view)
			return;
		const seen = new Date(state.view.agent.now), idle = now() - seen > 180e3;
		const old = state.failing !== null || idle;
		document.body.classList.toggle("old", old);
		$("clock").textContent = old ? "" : `as of ${seconds.format(seen)}`;
		$("stale").hidden = !old;
		const text = state.failing !== null ? `The agent does not answer (${state.failing}). What is shown is from ${seconds.format(seen)}, ${distance(state.view.agent.now)}.` :
			`The agent answers, but has looked at nothing since ${seconds.format(seen)}, ${distance(state.view.agent.now)}.`;
		if (old && $("stale").textContent !== text)
			$("stale").textContent = text;
		if (old) {
			$("verdict").className = "pill bad";
			$("verdict").textContent = state.failing !== null ? "No answer" : "Out of date";
			document.title = "(!) Slackwater";
		}
	}

	// ---- asking ----

	function saved() {
		try {
			return sessionStorage.getItem("slackwater-token");
		} catch {
			return null;
		}
	}

	function ask(wrong) {
		$("content").hidden = true;
		$("stale").hidden = true;
		$("verdict").className = "pill";
		$("verdict").textContent = "Locked";
		$("wrong").textContent = wrong ? "That was not the token." : "";
		$("token").hidden = false;
		if (document.activeElement !== $("secret"))
			$("secret").focus();
	}

	$("token").addEventListener("submit", event => {
		event.preventDefault();
		sessionStorage.setItem("slackwater-token", $("secret").value.trim());
		$("secret").value = "";
		poll();
	});

	async function fetchView() {
		const token = saved(), begun = Date.now();
		const answer = await fetch("api/v1/status", { headers: token ? { Authorization: `Bearer ${token}` } : {}, cache: "no-store", signal: AbortSignal.timeout(10000) });
		if (answer.status === 401) {
			ask(token !== null);
			sessionStorage.removeItem("slackwater-token");
			return false;
		}
		if (!answer.ok)
			throw new Error((await answer.json().catch(() => null))?.error?.message || `HTTP ${answer.status}`);
		const date = Date.parse(answer.headers.get("Date"));
		state.view = await answer.json();
		// half the way there and back, and half of the second that the header leaves out
		state.skew = isNaN(date) || Math.abs(date - Date.now()) < 3000 ? 0 : date + 500 - (begun + Date.now()) / 2;
		return true;
	}

	async function poll() {
		clearTimeout(state.timer);
		let next = 5000;
		try {
			if (!await fetchView())
				return;
			state.failing = null;
			$("token").hidden = true;
			drawAll();
			if (state.view.runs?.some(r => r.state === "running"))
				next = 2000;
		} catch (trouble) {
			state.failing = trouble.name === "TimeoutError" ? "no answer within 10 s" : trouble.name === "TypeError" ? "no connection" : trouble.message;
			if (!state.view) {
				$("verdict").className = "pill bad";
				$("verdict").textContent = "No answer";
				$("stale").hidden = false;
				$("stale").textContent = `The agent does not answer (${state.failing}).`;
			}
			tick();
		}
		clearTimeout(state.timer);	// a page that came into view meanwhile has asked as well
		state.timer = setTimeout(poll, next);
	}

	setInterval(tick, 1000);
	document.addEventListener("visibilitychange", () => document.hidden ? clearTimeout(state.timer) : poll());
	poll();
})();
