// The header as C++11 has it.
#include "routines/c/routines.h"

int main() {
  routines_engine_options options = ROUTINES_ENGINE_OPTIONS_INIT;
  routines_event event = ROUTINES_EVENT_INIT;
  routines_usage usage = ROUTINES_USAGE_INIT;
  return options.struct_size == sizeof(options) && event.struct_size == sizeof(event) &&
                 usage.struct_size == sizeof(usage) && routines_str("ab").size == 2
             ? 0
             : 1;
}
