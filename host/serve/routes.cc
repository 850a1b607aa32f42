#include "serve/control_calls.h"
#include "serve/route.h"

namespace heddle {

const std::vector<Route>& routes() {
  static const QueryParameter kAfter = {"after", "integer", "Those that follow the job with this id."};
  static const QueryParameter kBefore = {"before", "integer", "Those with smaller ids, the newest first."};
  static const QueryParameter kLimit = {"limit", "integer", "At most so many, up to 1000."};
  static const auto* const kRoutes = new std::vector<Route>{
      {.name = "health", .method = "GET", .path = "/health", .scope = Scope::kRead,
       .summary = "The host is there.",
       .answer = tell_health, .answer_schema = "Status"},
      {.name = "ready", .method = "GET", .path = "/ready", .scope = Scope::kRead,
       .summary = "The host takes work; 503 with the reason, if not.",
       .answer = tell_ready, .answer_schema = "Status"},
      {.name = "metrics", .method = "GET", .path = "/metrics", .scope = Scope::kRead,
       .summary = "What Prometheus reads.",
       .answer = tell_metrics, .answer_type = "text/plain; version=0.0.4"},
      {.name = "openapi", .method = "GET", .path = "/v1/openapi.json", .scope = Scope::kRead,
       .summary = "This document.",
       .answer = tell_openapi, .answer_schema = "Any"},
      {.name = "host", .method = "GET", .path = "/v1/host", .scope = Scope::kRead,
       .summary = "The host: version, process, store, listeners.",
       .answer = tell_host, .answer_schema = "Host"},
      {.name = "reload", .method = "POST", .path = "/v1/reload", .scope = Scope::kAdmin,
       .summary = "Reads the configuration and the pipelines again, and says what changed; all or nothing.",
       .run = reload, .answer_schema = "Reloaded"},

      {.name = "jobs.submit", .method = "POST", .path = "/v1/jobs", .scope = Scope::kSubmit,
       .summary = "Submits a job. 202: it was accepted; 200: it was there already by its key, or is over within wait_ms.",
       .run = submit_job, .body_schema = "JobSpec", .answer_schema = "Job", .may_accept = true},
      {.name = "jobs.list", .method = "GET", .path = "/v1/jobs", .scope = Scope::kRead,
       .summary = "Jobs by their ids.",
       .answer = list_jobs, .answer_schema = "Jobs",
       .query = {{"lane", "string", "Only of this lane."}, {"type", "string", "Only of this type."}, {"state", "string", "Only in this state."}, kAfter, kBefore, kLimit}},
      {.name = "jobs.get", .method = "GET", .path = "/v1/jobs/{id}", .scope = Scope::kRead,
       .summary = "One job.",
       .answer = get_job, .answer_schema = "Job"},
      {.name = "jobs.wait", .method = "GET", .path = "/v1/jobs/{id}/wait", .scope = Scope::kRead,
       .summary = "One job, once it is over, or as it is when the time has passed.",
       .run = wait_for_job, .answer_schema = "Job",
       .query = {{"timeout_ms", "integer", "At most so long, up to an hour; 30000 if it is not said."}}},
      {.name = "jobs.cancel", .method = "POST", .path = "/v1/jobs/{id}/cancel", .scope = Scope::kSubmit,
       .summary = "Cancels a job. One that runs is told to stop, and is given up after its grace time.",
       .answer = cancel_job, .answer_schema = "Job"},

      {.name = "dlq.list", .method = "GET", .path = "/v1/dlq", .scope = Scope::kRead,
       .summary = "The dead jobs, those that failed for good: the oldest first.",
       .answer = list_dead_jobs, .answer_schema = "DeadJobs", .query = {kAfter, kLimit}},
      {.name = "dlq.get", .method = "GET", .path = "/v1/dlq/{id}", .scope = Scope::kRead,
       .summary = "One dead job.",
       .answer = get_dead_job, .answer_schema = "Job"},
      {.name = "dlq.requeue", .method = "POST", .path = "/v1/dlq/{id}/requeue", .scope = Scope::kAdmin,
       .summary = "A dead job goes back to its lane.",
       .answer = requeue_dead_job, .answer_schema = "Job"},
      {.name = "dlq.requeue-all", .method = "POST", .path = "/v1/dlq/requeue", .scope = Scope::kAdmin,
       .summary = "All dead jobs go back to their lanes.",
       .answer = requeue_dead_jobs, .answer_schema = "Requeued"},
      {.name = "dlq.discard", .method = "DELETE", .path = "/v1/dlq/{id}", .scope = Scope::kAdmin,
       .summary = "A dead job is forgotten.",
       .answer = discard_dead_job, .answer_schema = "Discarded"},
      {.name = "dlq.discard-all", .method = "DELETE", .path = "/v1/dlq", .scope = Scope::kAdmin,
       .summary = "All dead jobs are forgotten.",
       .answer = discard_dead_jobs, .answer_schema = "Discarded"},

      {.name = "lanes.list", .method = "GET", .path = "/v1/lanes", .scope = Scope::kRead,
       .summary = "The lanes with their settings, what they do now, and how long things take.",
       .answer = list_lanes, .answer_schema = "Lanes"},
      {.name = "lanes.get", .method = "GET", .path = "/v1/lanes/{name}", .scope = Scope::kRead,
       .summary = "One lane.",
       .answer = get_lane, .answer_schema = "Lane"},
      {.name = "lanes.change", .method = "PATCH", .path = "/v1/lanes/{name}", .scope = Scope::kAdmin,
       .summary = "Changes settings of a lane, from now until the host ends or the configuration is read again. Its jobs stay.",
       .answer = change_lane, .body_schema = "LaneSettings", .answer_schema = "Lane"},
      {.name = "lanes.pause", .method = "POST", .path = "/v1/lanes/{name}/pause", .scope = Scope::kAdmin,
       .summary = "The lane starts nothing more; what runs, runs on.",
       .answer = pause_lane, .answer_schema = "Lane"},
      {.name = "lanes.resume", .method = "POST", .path = "/v1/lanes/{name}/resume", .scope = Scope::kAdmin,
       .summary = "The lane goes on.",
       .answer = resume_lane, .answer_schema = "Lane"},

      {.name = "events", .method = "GET", .path = "/v1/events", .scope = Scope::kRead,
       .summary = "Server-sent events: what happens to jobs and lanes. \"gap\" says how many were lost, where the peer was too slow.",
       .run = watch_events,
       .query = {{"prefix", "string", "Only keys that begin so: queue.job."},
                 {"lane", "string", "Only of this lane."},
                 {"job", "integer", "Only of this job."},
                 {"last-event-id", "integer", "The last event that was seen before, as in the header of that name: the answer begins with the gap after it."}},
       .answer_type = "text/event-stream", .stream = true},

      {.name = "types.list", .method = "GET", .path = "/v1/types", .scope = Scope::kRead,
       .summary = "The types of nodes that the host has, with what each needs of a machine, and what this machine has.",
       .answer = list_types, .answer_schema = "Types"},

      {.name = "remotes.list", .method = "GET", .path = "/v1/remotes", .scope = Scope::kRead,
       .summary = "The endpoints of other hosts that pipelines here call, and how each stands.",
       .answer = list_remotes, .answer_schema = "Remotes"},

      {.name = "pipelines.list", .method = "GET", .path = "/v1/pipelines", .scope = Scope::kRead,
       .summary = "The pipelines that are served.",
       .answer = list_pipelines, .answer_schema = "Pipelines"},
      {.name = "pipelines.execute", .method = "POST", .path = "/v1/pipelines/{name}/execute", .scope = Scope::kSubmit,
       .summary = "Runs a pipeline for one item, the body; or, of application/x-ndjson, for one item a line, with a line for each result as it comes. Who accepts application/x-ndjson or "
                  "text/event-stream gets the results of one item so, too: lines, or the events \"output\" and \"failed\" and, after the last, \"end\".",
       .run = execute_pipeline, .body_schema = "Any", .answer_schema = "Executed", .takes_lines = true, .stream = true},
      {.name = "manifests.execute", .method = "POST", .path = "/v1/execute", .scope = Scope::kSubmit,
       .summary = "Runs a manifest that comes with its input, as far as the configuration allows; or, of application/x-ndjson, {\"manifest\"} in the first line and an item in each other, "
                  "with a line for each result as it comes.",
       .run = execute_manifest, .body_schema = "ManifestWithInput", .answer_schema = "Executed", .takes_lines = true, .stream = true},
      {.name = "pipelines.each", .method = "POST", .path = "/v1/pipelines/{name}/each", .scope = Scope::kSubmit,
       .summary = "Runs a pipeline for each of many items, as if each had been sent alone. Lines tell what came of them, as they get done, in any order.",
       .run = execute_pipeline_for_each, .body_schema = "Items", .answer_schema = "ResultsLine", .answer_type = "application/x-ndjson", .stream = true},
      {.name = "manifests.each", .method = "POST", .path = "/v1/each", .scope = Scope::kSubmit,
       .summary = "The same for a manifest that comes along, as far as the configuration allows.",
       .run = execute_manifest_for_each, .body_schema = "ManifestWithItems", .answer_schema = "ResultsLine", .answer_type = "application/x-ndjson", .stream = true},
  };
  return *kRoutes;
}

}  // namespace heddle
