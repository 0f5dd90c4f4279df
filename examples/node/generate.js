// Submits a text, follows the job, prints the names of its model. Made from the .proto files alone, at run time.
//   npm install && node generate.js ../library.en.md        (JOBS_TARGET: another poller than 127.0.0.1:50052)
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const protos = fileURLToPath(new URL("../../proto", import.meta.url));
const definition = protoLoader.loadSync("eventstorming/v1/job.proto", {
  includeDirs: [protos], keepCase: true, enums: String, longs: Number, defaults: true,
});
const { JobService } = grpc.loadPackageDefinition(definition).eventstorming.v1;
const jobs = new JobService(process.env.JOBS_TARGET || "127.0.0.1:50052", grpc.credentials.createInsecure(), {
  "grpc.max_receive_message_length": 32 * 1024 * 1024,
});

const call = (method, request) =>
  new Promise((resolve, reject) => {
    const deadline = new Date(Date.now() + 30_000);
    jobs[method](request, { deadline }, (error, response) => (error ? reject(error) : resolve(response)));
  });

// Ends with the job; a watch that broke starts again with the present.
async function end(job_id) {
  for (let tries = 0; ; tries++) {
    try {
      for await (const { job } of jobs.WatchJob({ job_id })) {
        console.error(job.state, `${job.current_progress}/${job.total_progress}`);
        if (["JOB_STATE_COMPLETED", "JOB_STATE_FAILED", "JOB_STATE_REMOVED"].includes(job.state)) return job;
      }
    } catch (error) {
      if (error.code !== grpc.status.UNAVAILABLE || tries === 20) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

const requirements = readFileSync(process.argv[2] || fileURLToPath(new URL("../library.en.md", import.meta.url)), "utf8");
const { job } = await call("SubmitJob", { input: { requirements } });
const ended = await end(job.job_id);
if (ended.state !== "JOB_STATE_COMPLETED") {
  console.error(ended.failure);
  process.exit(1);
}
const { model } = await call("GetJob", { job_id: job.job_id, include_model: true });
for (const context of model.bounded_contexts) {
  console.log(`${context.name}: ${context.aggregates.map((aggregate) => aggregate.name).join(", ")}`);
}
jobs.close();
