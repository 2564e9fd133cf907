#include <openssl/evp.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

// What libssl offers as macros, which Swift does not see.

static inline EVP_PKEY *shim_elliptic_key(const char *curve) { return EVP_EC_gen(curve); }
static inline long shim_bio_pending(BIO *bio) { return (long)BIO_ctrl_pending(bio); }
static inline long shim_set_server_name(SSL *ssl, const char *name) { return SSL_set_tlsext_host_name(ssl, name); }
static inline long shim_set_groups(SSL_CTX *context, const char *list) { return SSL_CTX_set1_groups_list(context, list); }
static inline long shim_set_dh_auto(SSL_CTX *context) { return SSL_CTX_set_dh_auto(context, 1); }
static inline long shim_set_cache_off(SSL_CTX *context) {
    return SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}
static inline long shim_set_modes(SSL_CTX *context) {
    return SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY | SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
}
static inline long shim_ask_for_proof(SSL *ssl) { return SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp); }
static inline long shim_received_proof(SSL *ssl, const unsigned char **octets) {
    return SSL_get_tlsext_status_ocsp_resp(ssl, octets);
}
// The session frees the copy.
static inline long shim_staple(SSL *ssl, const unsigned char *octets, size_t count) {
    unsigned char *copy = OPENSSL_memdup(octets, count);
    return copy ? SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)count) : 0;
}
static inline long shim_set_proof_callback(SSL_CTX *context, int (*callback)(SSL *, void *)) {
    return SSL_CTX_set_tlsext_status_cb(context, callback);
}
