// The operations, by what they are about. Each is a row of the table in routes.cc, where it is said what it does.
#pragma once
#include "plugin/request.h"
#include "serve/control.h"

namespace heddle {

// control_jobs.cc
void submit_job(Control::State& control, Request request);
void wait_for_job(Control::State& control, Request request);
Result<Value> list_jobs(Control::State& control, const Request& request);
Result<Value> get_job(Control::State& control, const Request& request);
Result<Value> cancel_job(Control::State& control, const Request& request);

// control_dead_jobs.cc
Result<Value> list_dead_jobs(Control::State& control, const Request& request);
Result<Value> get_dead_job(Control::State& control, const Request& request);
Result<Value> requeue_dead_job(Control::State& control, const Request& request);
Result<Value> requeue_dead_jobs(Control::State& control, const Request& request);
Result<Value> discard_dead_job(Control::State& control, const Request& request);
Result<Value> discard_dead_jobs(Control::State& control, const Request& request);

// control_lanes.cc
Result<Value> list_lanes(Control::State& control, const Request& request);
Result<Value> get_lane(Control::State& control, const Request& request);
Result<Value> change_lane(Control::State& control, const Request& request);
Result<Value> pause_lane(Control::State& control, const Request& request);
Result<Value> resume_lane(Control::State& control, const Request& request);

// control_pipelines.cc
Result<Value> list_pipelines(Control::State& control, const Request& request);
void execute_pipeline(Control::State& control, Request request);
void execute_manifest(Control::State& control, Request request);
void execute_pipeline_for_each(Control::State& control, Request request);
void execute_manifest_for_each(Control::State& control, Request request);

// control_remotes.cc
Result<Value> list_remotes(Control::State& control, const Request& request);

// control_tasks.cc
void list_tasks(Control::State& control, Request request);
void get_task(Control::State& control, Request request);
void cancel_task(Control::State& control, Request request);

// control_transactions.cc
void list_transactions(Control::State& control, Request request);

// control_types.cc
Result<Value> list_types(Control::State& control, const Request& request);

// control_host.cc
Result<Value> tell_health(Control::State& control, const Request& request);
Result<Value> tell_ready(Control::State& control, const Request& request);
Result<Value> tell_metrics(Control::State& control, const Request& request);
Result<Value> tell_openapi(Control::State& control, const Request& request);
Result<Value> tell_host(Control::State& control, const Request& request);
void reload(Control::State& control, Request request);
void watch_events(Control::State& control, Request request);

}  // namespace heddle
