/* The inbox in C; inbox.h is the same in C++. */
#ifndef INBOX_C_H_
#define INBOX_C_H_

#include "routines/c/routines.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A source of the files that appear in `folder`, to be added to an engine, which destroys it. Its
 * start is NULL where there was no memory. */
routines_source inbox_source(const char* folder);

#ifdef __cplusplus
}
#endif

#endif
