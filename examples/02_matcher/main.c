/* Which triggers does the GitHub event on standard input start? In C; main.cc is the same in C++.
 */
#include <stdio.h>

#include "review.h"
#include "routines/c/routines.h"

int main(void) {
  static char body[1 << 20];
  routines_event event = ROUTINES_EVENT_INIT;
  routines_matcher* matcher;
  routines_matches* matches;
  const routines_match* match;
  size_t count;

  event.source = routines_str("github");
  event.type = routines_str("issues");
  event.payload.data = body;
  event.payload.size = fread(body, 1, sizeof(body), stdin);
  if (routines_matcher_create(&matcher, NULL) || routines_matches_create(&matches, NULL)) return 1;
  if (routines_matcher_put(matcher, routines_str(kReview), NULL, NULL)) return 1;
  if (routines_event_check(&event, NULL)) return 1;
  if (routines_matcher_match(matcher, &event, matches, NULL)) return 1;
  if (routines_matches_get(matches, &match, &count)) return 1;
  while (count-- > 0) printf("trigger %u\n", (match++)->trigger);
}
