/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the S3 store that need no server: addresses, answers, sizes of parts, profiles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "scratch.h"
#include "store/s3/answer.h"
#include "store/s3/bucket.h"
#include "store/s3/cred_profile.h"
#include "store/s3/cred_sources.h"
#include "store/s3/listing.h"
#include "store/s3/xml.h"

static void check_place(const char *url, const char *endpoint, enum s3_style style, const char *host, const char *path)
{
	struct error err = ERROR_INIT;
	struct place p;
	struct buf b = BUF_INIT(1000);
	OK(place_init(&p, url, endpoint, style, &err));
	place_host(&p, "eu-west-1", &b);
	assert_string_equal(buf_str(&b), host);
	buf_clear(&b);
	buf_adds(&b, p.prefix);
	buf_adds(&b, "k");
	char *key = buf_take(&b);
	place_path(&p, key, &b);
	assert_string_equal(buf_str(&b), path);
	buf_free(&b);
	free(key);
	place_free(&p);
}

static void test_places(void **state)
{
	(void)state;
	check_place("s3://b", NULL, S3_STYLE_AUTO, "b.s3.eu-west-1.amazonaws.com", "/k");
	check_place("s3://b.c/x/", NULL, S3_STYLE_AUTO, "s3.eu-west-1.amazonaws.com", "/b.c/x/k");
	check_place("s3://b/a b/\xc3\xa4+", "http://h:9000/", S3_STYLE_AUTO, "h:9000", "/b/a b/\xc3\xa4+/k");
	check_place("s3://b/x", "https://h:443", S3_STYLE_VIRTUAL_HOST, "b.h", "/x/k");
	check_place("s3://b/x", "http://h:80", S3_STYLE_PATH, "h", "/b/x/k");
	check_place("s3://b/x", "http://[::1]:81", S3_STYLE_PATH, "[::1]:81", "/b/x/k");
	static const char *const bad[] = { "s3://", "s3:///x", "s3://b/../x", "s3://b/a//b", "s3://-b", "s3://b\n/x", "http://b", "s3://b c/x",
		                           "s3://key:secret@h/b" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct error err = ERROR_INIT;
		struct place p;
		FAILS(ERR_USAGE, place_init(&p, bad[i], NULL, S3_STYLE_AUTO, &err));
		assert_null(strstr(err.message, "secret"));
	}
	static const char *const endpoints[] = { "ftp://h", "http://", "http://h/path", "https://user:secret@h", "http://h h" };
	for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++) {
		struct error err = ERROR_INIT;
		struct place p;
		FAILS(ERR_USAGE, place_init(&p, "s3://b", endpoints[i], S3_STYLE_AUTO, &err));
		assert_null(strstr(err.message, "secret"));
	}
}

static void metadata_at(const char *base, const char *url)
{
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT(200);
	if (base)
		setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", base, 1);
	OK(cred_imds_url("api/token", &b, &err));
	unsetenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	assert_string_equal(buf_str(&b), url);
	buf_free(&b);
}

static void test_where_credentials_are_asked_for(void **state)
{
	(void)state;
	static const char *const good[] = { "http://127.0.0.1/x", "http://localhost:80/x", "http://[::1]:81/", "http://169.254.170.2/v2/x",
		                            "http://[fd00:ec2::23]/v1", "https://example.com/x", "http://169.254.170.23?x" };
	static const char *const bad[] = { "http://example.com/", "http://127.0.0.1:80@evil.example/", "http://127.0.0.1@evil.example/",
		                           "http://localhost.evil.example/", "https://user@example.com/", "ftp://127.0.0.1/", "127.0.0.1/x", "",
		                           "http://127.0.0.1:80:81/" };
	metadata_at(NULL, "http://169.254.169.254/latest/api/token");
	metadata_at("http://[fd00:ec2::254]//", "http://[fd00:ec2::254]/latest/api/token");
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		if (!cred_container_allowed(good[i]))
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (cred_container_allowed(bad[i]))
			fail_msg("%s", bad[i]);
}

static void test_sizes_of_parts(void **state)
{
	(void)state;
	static const uint64_t first[] = { 5 << 20, 8 << 20, 64 << 20, 1 << 30 };
	for (size_t f = 0; f < sizeof first / sizeof first[0]; f++) {
		uint64_t total = 0, before = first[f];
		for (unsigned n = 1; n <= 10000; n++) {
			uint64_t size = bucket_part_size(first[f], n);
			assert_true(size >= before && size <= 5ull << 30);
			total += size;
			before = size;
			if (n <= 2000)
				assert_int_equal(size, first[f]);
		}
		assert_true(total > 2ull << 40); /* terabytes, of each shard */
	}
}

static enum answer_class classify(long status, const char *method, const char *body, struct client_call *call)
{
	*call = (struct client_call){ .method = method, .key = "k", .a = { .status = status, .body = BUF_INIT(10000) } };
	buf_adds(&call->a.body, body);
	enum answer_class class = answer_classify(call);
	buf_free(&call->a.body);
	return class;
}

#define ERROR_OF(code, more) "<?xml version=\"1.0\"?><Error><Code>" code "</Code><Message>m</Message>" more "</Error>"

static void test_answers(void **state)
{
	(void)state;
	struct client_call c;
	static const struct { long status; const char *body; enum answer_class class; } cases[] = {
		{ 200, "", ANSWER_FINAL }, { 404, "", ANSWER_FINAL }, { 412, "", ANSWER_FINAL }, { 501, "", ANSWER_FINAL },
		{ 500, "", ANSWER_AGAIN }, { 502, "<html>", ANSWER_AGAIN }, { 503, ERROR_OF("SlowDown", ""), ANSWER_AGAIN },
		{ 408, "", ANSWER_AGAIN }, { 429, "", ANSWER_AGAIN }, { 400, ERROR_OF("RequestTimeout", ""), ANSWER_AGAIN },
		{ 409, ERROR_OF("OperationAborted", ""), ANSWER_AGAIN }, { 400, ERROR_OF("ExpiredToken", ""), ANSWER_EXPIRED },
		{ 403, ERROR_OF("RequestTimeTooSkewed", ""), ANSWER_SKEWED }, { 403, ERROR_OF("AccessDenied", ""), ANSWER_FINAL },
		{ 301, ERROR_OF("PermanentRedirect", ""), ANSWER_ELSEWHERE }, { 307, "", ANSWER_AGAIN },
		{ 400, ERROR_OF("AuthorizationHeaderMalformed", "<Region>eu-west-9</Region>"), ANSWER_ELSEWHERE },
		{ 400, ERROR_OF("BadDigest", ""), ANSWER_CORRUPTED }, { 400, ERROR_OF("InvalidPart", ""), ANSWER_FINAL },
		{ 503, "<?xml version=\"1.0\"?><Error><Co", ANSWER_AGAIN },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(classify(cases[i].status, "GET", cases[i].body, &c), cases[i].class);
	assert_int_equal(classify(403, "HEAD", "", &c), ANSWER_MUTE);
	classify(400, "GET", ERROR_OF("AuthorizationHeaderMalformed", "<Region>eu-west-9</Region>"), &c);
	assert_string_equal(c.region, "eu-west-9");
	/* a message of the store's stays one line */
	classify(403, "GET", "<Error><Code>X</Code><Message>two\nlines</Message></Error>", &c);
	assert_string_equal(c.text, "two lines");
}

static void read_page(struct listing_page *p, const char *text, enum status wanted)
{
	struct error err = ERROR_INIT;
	struct client_call call = { .arg = p, .a = { .body = BUF_INIT(10000) } };
	buf_adds(&call.a.body, text);
	assert_int_equal(listing_read(&call, &err), wanted);
	buf_free(&call.a.body);
}

static void test_listings(void **state)
{
	(void)state;
	struct listing_page p;
	listing_page_init(&p, "ListBucketResult", "Contents");
	read_page(&p, "  <?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3\"><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
	          "<Contents><Key>a%20b%2Bc+d/%C3%A4%2520</Key><Size>12</Size><LastModified>2026-11-26T19:00:01.250Z</LastModified></Contents>"
	          "<Contents><Key>e</Key></Contents><NextContinuationToken>t&amp;1</NextContinuationToken></ListBucketResult>", ST_OK);
	assert_int_equal(p.n, 2);
	assert_string_equal(listing_text(&p, p.item[0].key), "a b+c d/\xc3\xa4%20");
	assert_int_equal(p.item[0].size, 12);
	assert_int_equal(p.item[0].ms, 1795719601250);
	assert_int_equal(p.item[1].size, 0);
	assert_true(p.truncated);
	assert_string_equal(buf_str(&p.next), "t&1");
	static const char *const broken[] = {
		"", "<", "<ListBucketResult><Contents><Key>a</Key>", "<Other/>", "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
		"<!DOCTYPE x [<!ENTITY a \"b\">]><ListBucketResult>&a;</ListBucketResult>",
		"<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a>",
	};
	for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
		read_page(&p, broken[i], ST_RETRY);
	read_page(&p, "<ListBucketResult><Contents><Key>a+b%20</Key></Contents></ListBucketResult>", ST_OK);
	assert_string_equal(listing_text(&p, p.item[0].key), "a+b%20"); /* not said to be encoded */
	listing_page_free(&p);
	listing_page_init(&p, "ListMultipartUploadsResult", "Upload");
	read_page(&p, "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>a b</NextKeyMarker>"
	          "<NextUploadIdMarker>2~x+y</NextUploadIdMarker><Upload><Key>a b</Key><UploadId>2~x+y</UploadId>"
	          "<Initiated>2026-11-26T19:00:01Z</Initiated></Upload></ListMultipartUploadsResult>", ST_OK);
	assert_string_equal(buf_str(&p.next), "a b");
	assert_string_equal(buf_str(&p.next_id), "2~x+y");
	assert_string_equal(listing_text(&p, p.item[0].id), "2~x+y");
	listing_page_free(&p);
}

static bool profile(const char *text, const char *name, bool config, const char *key, struct buf *ret)
{
	char *copy = strdup(text);
	buf_clear(ret);
	bool found = cred_profile_get(copy, name, config, key, ret);
	free(copy);
	return found;
}

static void test_profiles(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(1000);
	static const char credentials[] = "# c\n[default]\naws_access_key_id=AK1\r\naws_secret_access_key = a=b/c+ \n\n[ other ]\naws_access_key_id = AK2\n";
	static const char config[] = "[default]\nregion = eu-1\ns3 =\n  region = no\n[profile other]\nregion=eu-2\n[third]\nregion = eu-3\n";
	assert_true(profile(credentials, "default", false, "aws_access_key_id", &b));
	assert_string_equal(buf_str(&b), "AK1");
	assert_true(profile(credentials, "default", false, "aws_secret_access_key", &b));
	assert_string_equal(buf_str(&b), "a=b/c+");
	assert_true(profile(credentials, "other", false, "aws_access_key_id", &b));
	assert_string_equal(buf_str(&b), "AK2");
	assert_false(profile(credentials, "other", false, "aws_secret_access_key", &b));
	assert_true(profile(config, "default", true, "region", &b));
	assert_string_equal(buf_str(&b), "eu-1");
	assert_true(profile(config, "other", true, "region", &b));
	assert_string_equal(buf_str(&b), "eu-2");
	assert_false(profile(config, "third", true, "region", &b)); /* "[profile third]" it would be */
	buf_free(&b);
}

static void test_throttle(void **state)
{
	struct scratch *t = *state;
	struct throttle th;
	throttle_init(&th, 200000);
	int64_t begun = scratch_now_ms();
	for (size_t sent = 0; sent < 100000;)
		sent += throttle_take(&th, 1 << 20, &t->run);
	assert_in_range(scratch_now_ms() - begun, 400, 5000); /* half a second's worth, less the first step */
	throttle_destroy(&th);
}

enum { SLOW_MS = 1300, RETRY_MS = 1000 };

/* A request is read to the end of its body, which is "body". */
static void hear(int fd)
{
	char text[4096] = "";
	for (size_t len = 0; !strstr(text, "\r\n\r\nbody");) {
		ssize_t n = read(fd, text + len, sizeof text - 1 - len);
		if (n <= 0)
			return;
		len += (size_t)n;
	}
}

/* Takes its time over the first request, and hangs up; answers the second. */
static void *slow_store(void *arg)
{
	static const char fine[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	for (int i = 0; i < 2; i++) {
		int fd = accept(*(int *)arg, NULL, NULL);
		hear(fd);
		if (i == 0)
			nanosleep(&(struct timespec){ .tv_sec = SLOW_MS / 1000, .tv_nsec = SLOW_MS % 1000 * 1000000L }, NULL);
		else if (write(fd, fine, sizeof fine - 1) < 0)
			abort();
		close(fd);
	}
	return NULL;
}

static int listen_somewhere(char endpoint[64])
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(fd, 2), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	snprintf(endpoint, 64, "http://127.0.0.1:%u", ntohs(a.sin_port));
	return fd;
}

/* What took longer to send than a request is retried for, and then broke off, is sent again all the same. */
static void test_a_slow_part_that_breaks_off(void **state)
{
	struct scratch *t = *state;
	struct error err = ERROR_INIT;
	struct store *s = NULL;
	pthread_t server;
	char endpoint[64];
	int fd = listen_somewhere(endpoint);
	assert_int_equal(pthread_create(&server, NULL, slow_store, &fd), 0);
	setenv("AWS_ACCESS_KEY_ID", "key", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
	const struct store_options o = { .s3 = { .endpoint = endpoint, .retry_ms = RETRY_MS } };
	OK(store_open("s3://bucket/prefix", STORE_CHANGE, &o, &t->run, &s, &err));
	OK(s->ops->put(s, "k", "body", 4, false, &err));
	store_free(s);
	pthread_join(server, NULL);
	close(fd);
	unsetenv("AWS_ACCESS_KEY_ID");
	unsetenv("AWS_SECRET_ACCESS_KEY");
}

static void test_usage(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	const struct store_options small = { .s3 = { .part_bytes = 1 << 20 } };
	OK(store_check_url("s3://bucket/prefix", NULL, &err));
	FAILS(ERR_USAGE, store_check_url("s3://bucket/prefix", &small, &err));
	FAILS(ERR_USAGE, store_check_url("s3://", NULL, &err));
}

static const char *mark(const struct client_call *call, const char *name)
{
	for (size_t i = 0; i < call->nheader; i++)
		if (strcmp(call->header[i].name, name) == 0)
			return call->header[i].value;
	return NULL;
}

static void test_marks(void **state)
{
	(void)state;
	struct error err;
	struct marks m;
	struct client_call call = { .method = "PUT" };
	char until[MARKS_UNTIL];
	struct s3_options o = {
		.storage_class = "GLACIER_IR", .sse = "aws:kms", .sse_key = "arn:aws:kms:eu-1:1:key/k", .object_lock = "Governance:36h",
		.tags = "team=d b a,env=prod&test,empty=",
	};
	OK(marks_init(&m, &o, &err));
	marks_add(&m, 1795720316022, until, &call);
	assert_int_equal(call.nheader, 6);
	assert_string_equal(mark(&call, "x-amz-storage-class"), "GLACIER_IR");
	assert_string_equal(mark(&call, "x-amz-server-side-encryption"), "aws:kms");
	assert_string_equal(mark(&call, "x-amz-server-side-encryption-aws-kms-key-id"), "arn:aws:kms:eu-1:1:key/k");
	assert_string_equal(mark(&call, "x-amz-object-lock-mode"), "GOVERNANCE");
	assert_string_equal(mark(&call, "x-amz-object-lock-retain-until-date"), "2026-11-28T07:11:57Z");
	assert_string_equal(mark(&call, "x-amz-tagging"), "team=d%20b%20a&env=prod%26test&empty=");
	assert_true(call.md5_too);
	marks_free(&m);

	call = (struct client_call){ .method = "PUT" };
	o = (struct s3_options){ .sse = "AES256" };
	OK(marks_init(&m, &o, &err));
	marks_add(&m, 0, until, &call);
	assert_int_equal(call.nheader, 1);
	assert_string_equal(mark(&call, "x-amz-server-side-encryption"), "AES256");
	assert_false(call.md5_too);
	marks_free(&m);
}

static void test_marks_that_cannot_be(void **state)
{
	(void)state;
	static const struct s3_options bad[] = {
		{ .sse = "aes256" }, { .sse_key = "k" }, { .sse = "AES256", .sse_key = "k" }, { .object_lock = "governance" }, { .object_lock = "governance:" },
		{ .object_lock = "governance:0d" }, { .object_lock = "governance:30" }, { .object_lock = "governance:30dd" }, { .object_lock = "govern:30d" },
		{ .object_lock = "compliance:36501d" }, { .object_lock = "compliance:99999999999999999999d" }, { .object_lock = ":30d" },
		{ .tags = "a" }, { .tags = "=b" }, { .tags = "a=b,,c=d" },
		{ .tags = "a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1,j=1,k=1" },
	};
	struct error err;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct store_options o = { .s3 = bad[i] };
		FAILS(ERR_USAGE, store_check_url("s3://bucket/prefix", &o, &err));
		assert_true(*err.message);
	}
	struct store_options o = { .s3 = { .unsigned_payload = true, .endpoint = "http://127.0.0.1:1" } };
	FAILS(ERR_USAGE, store_check_url("s3://bucket/prefix", &o, &err));
	o.s3.endpoint = "https://127.0.0.1:1";
	OK(store_check_url("s3://bucket/prefix", &o, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places), cmocka_unit_test(test_where_credentials_are_asked_for), cmocka_unit_test(test_sizes_of_parts), cmocka_unit_test(test_answers),
		cmocka_unit_test(test_listings), cmocka_unit_test(test_profiles), cmocka_unit_test(test_marks), cmocka_unit_test(test_marks_that_cannot_be),
		cmocka_unit_test_setup_teardown(test_throttle, scratch_setup, scratch_teardown), cmocka_unit_test(test_usage),
		cmocka_unit_test_setup_teardown(test_a_slow_part_that_breaks_off, scratch_setup, scratch_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
