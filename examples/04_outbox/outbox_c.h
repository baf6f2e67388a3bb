/* The outbox in C; outbox.h is the same in C++. */
#ifndef OUTBOX_C_H_
#define OUTBOX_C_H_

#include "routines/c/routines.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A source of the rows of routines_outbox (outbox.sql), to be added to an engine, which destroys
 * it. `database` as libpq takes it. Its self is NULL where there was no memory. */
routines_source outbox_source(const char* database);

#ifdef __cplusplus
}
#endif

#endif
