/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3/xml.h"

#include <expat.h>
#include <string.h>
#include <time.h>

#include "slackwater/buf.h"

enum { XML_DEPTH_MAX = 16, XML_TEXT_MAX = 64 << 10, XML_PATH_MAX = 1024 };

struct xml_reading {
	XML_Parser parser;
	xml_fn *fn;
	void *arg;
	struct buf path, text;
	unsigned depth;
	bool refused;
};

static void xml_stop(struct xml_reading *r)
{
	r->refused = true;
	XML_StopParser(r->parser, XML_FALSE);
}

static void XMLCALL xml_on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	(void)attributes;
	struct xml_reading *r = arg;
	const char *colon = strchr(name, ':');
	if (++r->depth > XML_DEPTH_MAX) {
		xml_stop(r);
		return;
	}
	buf_addf(&r->path, "%s%s", r->path.len ? "/" : "", colon ? colon + 1 : name);
	buf_clear(&r->text);
	if (r->path.bad)
		xml_stop(r);
}

static void XMLCALL xml_on_text(void *arg, const XML_Char *text, int len)
{
	struct xml_reading *r = arg;
	buf_add(&r->text, text, (size_t)len);
	if (r->text.bad)
		xml_stop(r);
}

static void XMLCALL xml_on_end(void *arg, const XML_Char *name)
{
	(void)name;
	struct xml_reading *r = arg;
	if (r->refused)
		return;
	if (!r->fn(r->arg, buf_str(&r->path), buf_str(&r->text))) {
		xml_stop(r);
		return;
	}
	char *slash = r->path.data ? strrchr(r->path.data, '/') : NULL;
	r->path.len = slash ? (size_t)(slash - r->path.data) : 0;
	r->path.data[r->path.len] = '\0';
	buf_clear(&r->text);
	r->depth--;
}

/* No answer of S3 has a document type: one would be there for its entities. */
static void XMLCALL xml_on_doctype(void *arg, const XML_Char *name, const XML_Char *sysid, const XML_Char *pubid, int internal)
{
	(void)name;
	(void)sysid;
	(void)pubid;
	(void)internal;
	xml_stop(arg);
}

enum status xml_read(const char *data, size_t len, xml_fn *fn, void *arg, struct error *err)
{
	struct xml_reading r = { .fn = fn, .arg = arg, .path = BUF_INIT(XML_PATH_MAX), .text = BUF_INIT(XML_TEXT_MAX) };
	r.text.secret = 1; /* STS answers with keys */
	r.parser = XML_ParserCreate(NULL);
	if (!r.parser)
		return error_oom(err);
	/* Blank keep-alives may come before the declaration, which has to be the first thing for expat. */
	while (len && (*data == ' ' || *data == '\n' || *data == '\r' || *data == '\t')) {
		data++;
		len--;
	}
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, xml_on_start, xml_on_end);
	XML_SetCharacterDataHandler(r.parser, xml_on_text);
	XML_SetStartDoctypeDeclHandler(r.parser, xml_on_doctype);
	bool good = len <= (1u << 30) && XML_Parse(r.parser, data, (int)len, XML_TRUE) == XML_STATUS_OK && !r.refused;
	enum status st = ST_OK;
	if (!good)
		st = error_set(err, ST_RETRY, ERR_STORE, "the store's answer is not whole or not XML (%s)",
		               XML_ErrorString(XML_GetErrorCode(r.parser)));
	XML_ParserFree(r.parser);
	buf_free(&r.path);
	buf_free(&r.text);
	return st;
}

int64_t xml_time(const char *text)
{
	struct tm tm = { .tm_sec = 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int64_t ms = 0;
	if (!rest)
		return 0;
	if (*rest == '.')
		for (int place = 100; place && *++rest >= '0' && *rest <= '9'; place /= 10)
			ms += (*rest - '0') * place;
	return (int64_t)timegm(&tm) * 1000 + ms;
}
