#pragma once
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

/* What OpenSSL has as macros only, which Swift cannot import. */
static inline long bs_ssl_at_least_1_2(SSL_CTX *c) { return SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION); }
/* No renegotiation, no compression, no session that could be taken up again. */
static inline void bs_ssl_plain_sessions(SSL_CTX *c) {
  SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(c, 0);
}
/* A write may take a part of its bytes, and be tried again from another place in memory. */
static inline void bs_ssl_partial_writes(SSL_CTX *c) {
  SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
}
static inline long bs_ssl_indicate(SSL *s, const char *name) { return SSL_set_tlsext_host_name(s, name); }
static inline int bs_ssl_reason(unsigned long code) { return ERR_GET_REASON(code); }
