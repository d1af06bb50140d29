# SPDX-License-Identifier: Apache-2.0
#
# format.awk: FORMAT.md as the manual page slackwater-format(5), in mdoc. For POSIX awk; run by CMake.
#
# It knows what that file uses: headings, paragraphs, lists with indented parts, code that is indented, tables of two columns, **, * and `. Anything
# else in the first column that looks like markup is an error, so that nothing gets into the manual as it stands.

function fail(why) {
	print "format.awk: line " NR ": " why > "/dev/stderr"
	failed = 1
	exit 1
}

# What troff would take for its own. Escapes that we make are \f...: they come after this.
function plain(text) {
	gsub(/\\/, "\\e", text)
	gsub(/-/, "\\-", text)
	gsub(/\^/, "\\(ha", text)
	gsub(/~/, "\\(ti", text)
	gsub(/'/, "\\(aq", text)
	gsub(/`/, "\\(ga", text)
	return text
}

function guarded(line) {
	return line ~ /^[.]/ ? "\\&" line : line
}

# Prose: code in the typewriter's bold, emphasis as it is; links keep their address behind them.
function prose(text,    out, at, part) {
	out = ""
	while ((at = index(text, "`")) > 0) {
		out = out styled(substr(text, 1, at - 1))
		text = substr(text, at + 1)
		at = index(text, "`")
		if (!at)
			fail("a ` without its second")
		part = plain(substr(text, 1, at - 1))
		out = out "\\fB" part "\\fP"
		text = substr(text, at + 1)
	}
	out = out styled(text)
	while (match(out, /[a-z0-9)"P][.!?] ["(]*[A-Z]/))       # a new sentence, a new line; P is the end of an escape
		out = substr(out, 1, RSTART + 1) "\n" substr(out, RSTART + 3)
	return guarded(out)
}

function styled(text,    out, at) {
	while (match(text, /\[[^]]*\]\([^)]*\)/)) {
		at = substr(text, RSTART + 1, RLENGTH - 2)
		sub(/\]\(/, " (", at)
		text = substr(text, 1, RSTART - 1) at ")" substr(text, RSTART + RLENGTH)
	}
	text = plain(text)
	while ((at = index(text, "**")) > 0) {
		text = substr(text, 1, at - 1) (strong ? "\\fP" : "\\fB") substr(text, at + 2)
		strong = !strong
	}
	return text
}

function close_code() {
	if (code)
		print ".Ed"
	code = 0
}

function close_table() {
	if (table)
		print ".El"
	table = 0
}

function close_list() {
	close_code()
	if (list)
		print ".El"
	list = 0
}

function close_all() {
	close_list()
	close_table()
	if (strong)
		fail("** without its second")
}

# A line of code: what stands deeper than the text round it, as it is.
function code_line(text) {
	if (!code) {
		print ".Bd -literal" (list ? "" : " -offset indent")
		code = 1
	} else
		for (; blank > 0; blank--)
			print ""
	blank = 0
	print guarded(plain(text))
}

function paragraph() {
	if (blank && !fresh)
		print ".Pp"
	blank = 0
	fresh = 0
}

function row(line,    cell, n) {
	gsub(/^\| *| *\|$/, "", line)
	n = index(line, " | ")
	if (!n) {
		sub(/ *\|$/, "", line)
		n = length(line) + 1
	}
	cell = substr(line, n + 3)
	if (!table) {
		close_all()
		print ".Bl -tag -width Ds"
		table = 1
		return                  # the heading of our tables says nothing
	}
	if (line ~ /^---/)
		return
	print ".It " item(substr(line, 1, n - 1))
	if (cell != "")
		print prose(cell)
}

# The tag of a list: a request's arguments, where blanks would divide it and words that are requests would act.
function item(text) {
	text = prose(text)
	gsub(/"/, "\\(dq", text)
	return "\"" text "\""
}

BEGIN {
	print ".\\\" Made from FORMAT.md."
	print ".Dd " (date == "" ? "November 26, 2026" : date)
	print ".Dt SLACKWATER-FORMAT 5"
	print ".Os"
	print ".Sh NAME"
	print ".Nm slackwater-format"
	print ".Nd what is inside a snapshot"
	print ".Sh DESCRIPTION"
	fresh = 1
}

/^$/ { blank++; next }

/^# / { blank = 0; next }       # the title is the name of the page

/^## / {
	close_all()
	gsub(/`/, "")
	print ".Sh " plain(toupper(substr($0, 4)))
	blank = 0
	fresh = 1
	next
}

/^#/ { fail("a heading of a third level") }

/^\|/ { row($0); blank = 0; next }

/^- / {
	close_code()
	close_table()
	if (!list) {
		print ".Bl -bullet"
		list = 1
	}
	print ".It"
	print prose(substr($0, 3))
	blank = 0
	next
}

/^        / && list { code_line(substr($0, 9)); next }

/^  [^ ]/ && list {
	close_code()
	if (blank)
		print ".Pp"
	blank = 0
	print prose(substr($0, 3))
	next
}

/^    / {
	if (!code)
		close_list()
	close_table()
	code_line(substr($0, 5))
	next
}

/^[*>+<=]/ && !/^\*\*/ { fail("markup that is not known here: " $0) }

{
	if (list || table || code) {
		close_code()
		close_list()
		close_table()
		blank = blank ? blank : 1
	}
	paragraph()
	print prose($0)
}

END {
	if (failed)
		exit 1
	close_all()
	print ".Sh SEE ALSO"
	print ".Xr age 1 ,"
	print ".Xr slackwater 1 ,"
	print ".Xr tar 1 ,"
	print ".Xr zstd 1 ,"
	print ".Xr slackwater.conf 5"
}
