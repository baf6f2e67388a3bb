// Reads the five fields of a cron expression.
#ifndef ROUTINES_SRC_SCHEDULE_CRON_PARSER_H_
#define ROUTINES_SRC_SCHEDULE_CRON_PARSER_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "routines/schedule.h"

namespace routines {

class CronParser {
 public:
  // Everything of a schedule but its zone. kInvalidArgument.
  static absl::StatusOr<Schedule> Parse(std::string_view cron);
};

}  // namespace routines

#endif  // ROUTINES_SRC_SCHEDULE_CRON_PARSER_H_
