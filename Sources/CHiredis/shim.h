#include <hiredis/hiredis.h>

// The text is an array inside of the structure, which Swift would show as a tuple of 128 characters.
static inline const char *chiredis_error_text(const redisContext *context) { return context->errstr; }
