/* SPDX-License-Identifier: Apache-2.0 */
#include "conn_tls.h"

/*
 *              libmysqlclient            MariaDB Connector/C
 * DISABLED     SSL_MODE_DISABLED         use_ssl off
 * PREFERRED    SSL_MODE_PREFERRED        use_ssl on: TLS where the server offers it, else plain; a handshake that fails is an error
 * REQUIRED     SSL_MODE_REQUIRED         use_ssl on, and the cipher is looked at after connecting
 * VERIFY_CA    SSL_MODE_VERIFY_CA        use_ssl on with a CA: the chain is verified, the name is not; the cipher is looked at
 * VERIFY_ID.   SSL_MODE_VERIFY_IDENTITY  the same and VERIFY_SERVER_CERT, which adds the name
 *
 * Connector/C asks a server for its public key by itself when caching_sha2_password wants one and there is no TLS; the other library does
 * so when get_server_public_key says it may.
 *
 * DEFAULT is PREFERRED, and VERIFY_CA where a CA was given; by Unix socket it is DISABLED, nobody can listen there.
 */
static enum ssl_mode tls_mode(const struct conn_options *o, bool local)
{
	if (o->ssl_mode != SSL_DEFAULT)
		return o->ssl_mode;
	if (local)
		return SSL_DISABLED;
	return o->ssl_ca ? SSL_VERIFY_CA : SSL_PREFERRED;
}

static enum status tls_option(int failed, const char *what, struct error *err)
{
	if (!failed)
		return ST_OK;
	error_set(err, ST_FAILED, ERR_PREFLIGHT, "the client library does not know %s", what);
	return error_hint(err, "it is too old for this --ssl-mode");
}

/* A CA means verification to one library in every mode, to the other only where the mode says so: the latter it is. */
static enum status tls_files(MYSQL *m, const struct conn_options *o, enum ssl_mode mode, struct error *err)
{
	enum status st = ST_OK;
	if (o->ssl_ca && (mode == SSL_VERIFY_CA || mode == SSL_VERIFY_IDENTITY))
		st = tls_option(mysql_options(m, MYSQL_OPT_SSL_CA, o->ssl_ca), "MYSQL_OPT_SSL_CA", err);
	if (!st && o->ssl_cert)
		st = tls_option(mysql_options(m, MYSQL_OPT_SSL_CERT, o->ssl_cert), "MYSQL_OPT_SSL_CERT", err);
	if (!st && o->ssl_key)
		st = tls_option(mysql_options(m, MYSQL_OPT_SSL_KEY, o->ssl_key), "MYSQL_OPT_SSL_KEY", err);
	return st;
}

#if CONN_LIBMARIADB

/*
 * A server, or whoever answers in its place, chooses the login method and may choose one that sends the password as it is. The
 * library then does so, over TLS or not; here only a server whose name was verified, or one on this machine, is given it.
 */
static const char tls_scrambling_logins[] =
	"mysql_native_password,caching_sha2_password,sha256_password,client_ed25519,auth_gssapi_client,parsec";

static enum status tls_library(MYSQL *m, const struct conn_options *o, enum ssl_mode mode, bool local,
                               struct error *err)
{
	/* Newer releases verify unless told otherwise: always told. */
	my_bool enforce = mode != SSL_DISABLED, verify = mode == SSL_VERIFY_IDENTITY;
	(void)o;
	enum status st = tls_option(mysql_options(m, MYSQL_OPT_SSL_ENFORCE, &enforce), "MYSQL_OPT_SSL_ENFORCE", err);
	if (!st)
		st = tls_option(mysql_options(m, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify),
		                "MYSQL_OPT_SSL_VERIFY_SERVER_CERT", err);
	if (!st && !local && mode != SSL_VERIFY_IDENTITY)
		st = tls_option(mysql_optionsv(m, MARIADB_OPT_RESTRICTED_AUTH, tls_scrambling_logins),
		                "MARIADB_OPT_RESTRICTED_AUTH", err);
	return st;
}

#else

static enum status tls_library(MYSQL *m, const struct conn_options *o, enum ssl_mode mode, bool local,
                               struct error *err)
{
	static const unsigned of_mode[] = {
		[SSL_DEFAULT] = SSL_MODE_PREFERRED, [SSL_DISABLED] = SSL_MODE_DISABLED,
		[SSL_PREFERRED] = SSL_MODE_PREFERRED, [SSL_REQUIRED] = SSL_MODE_REQUIRED,
		[SSL_VERIFY_CA] = SSL_MODE_VERIFY_CA, [SSL_VERIFY_IDENTITY] = SSL_MODE_VERIFY_IDENTITY,
	};
	unsigned theirs = of_mode[mode];
	bool key = o->get_server_public_key, clear = local || mode == SSL_VERIFY_IDENTITY;
	enum status st = tls_option(mysql_options(m, MYSQL_OPT_SSL_MODE, &theirs), "MYSQL_OPT_SSL_MODE", err);
	if (!st)
		st = tls_option(mysql_options(m, MYSQL_OPT_GET_SERVER_PUBLIC_KEY, &key), "MYSQL_OPT_GET_SERVER_PUBLIC_KEY", err);
	if (!st)
		st = tls_option(mysql_options(m, MYSQL_ENABLE_CLEARTEXT_PLUGIN, &clear), "MYSQL_ENABLE_CLEARTEXT_PLUGIN", err);
	return st;
}

#endif

enum status conn_tls_prepare(MYSQL *m, const struct conn_options *o, bool local, struct error *err)
{
	enum ssl_mode mode = tls_mode(o, local);
	if ((mode == SSL_VERIFY_CA || mode == SSL_VERIFY_IDENTITY) && !o->ssl_ca) {
		error_set(err, ST_FAILED, ERR_PREFLIGHT, "a server's certificate cannot be verified without the CA that signed it");
		return error_hint(err, "give --ssl-ca, for public CAs the system's bundle");
	}
	enum status st = mode == SSL_DISABLED ? ST_OK : tls_files(m, o, mode, err);
	return st ? st : tls_library(m, o, mode, local, err);
}

enum status conn_tls_check(MYSQL *m, const struct conn_options *o, bool local, struct error *err)
{
	enum ssl_mode mode = tls_mode(o, local);
	if (mode == SSL_DISABLED || mode == SSL_PREFERRED || mysql_get_ssl_cipher(m))
		return ST_OK;
	error_set(err, ST_FAILED, ERR_PREFLIGHT, "the session is not encrypted, which --ssl-mode demands");
	return error_hint(err, "the server offers no TLS: set it up there, or say --ssl-mode=DISABLED");
}
