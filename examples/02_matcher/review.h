// The routine of both programs.
static const char kReview[] =
    "name: review\n"
    "prompt: Review it.\n"
    "triggers:\n"
    "  - id: opened\n"
    "    github: {repositories: [acme/app], event: issues, actions: [opened]}\n";
