#pragma once
#include <curl/curl.h>

/* libcurl's option functions are variadic, which Swift cannot import; these give each value type its own name. */
static inline CURLcode bs_curl_set_long(CURL *h, CURLoption o, long v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode bs_curl_set_pointer(CURL *h, CURLoption o, const void *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode bs_curl_set_string(CURL *h, CURLoption o, const char *v) { return curl_easy_setopt(h, o, v); }
typedef size_t (*bs_curl_write)(char *bytes, size_t size, size_t count, void *context);
static inline CURLcode bs_curl_set_write(CURL *h, bs_curl_write f) { return curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, f); }
typedef int (*bs_curl_progress)(void *context, curl_off_t to_come, curl_off_t came, curl_off_t to_go, curl_off_t gone);
static inline CURLcode bs_curl_set_progress(CURL *h, bs_curl_progress f) { return curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, f); }
static inline CURLcode bs_curl_get_long(CURL *h, CURLINFO i, long *out) { return curl_easy_getinfo(h, i, out); }
static inline CURLcode bs_curl_get_socket(CURL *h, curl_socket_t *out) { return curl_easy_getinfo(h, CURLINFO_ACTIVESOCKET, out); }
