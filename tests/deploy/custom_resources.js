// Checks resources of cert-manager and of the Prometheus operator with the schemas that
// @kubernetes-models has from their definitions. Reads a list of them as JSON, prints what
// is wrong with each, and ends with 1 when there is anything.
import { text } from "node:stream/consumers";

import { Certificate } from "@kubernetes-models/cert-manager/cert-manager.io/v1";
import { PrometheusRule, ServiceMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";

const MODELS = {
  "cert-manager.io/v1 Certificate": Certificate,
  "monitoring.coreos.com/v1 PrometheusRule": PrometheusRule,
  "monitoring.coreos.com/v1 ServiceMonitor": ServiceMonitor,
};

// Schemas let fields pass that they do not know, and the API server drops them. A field that
// no validator has looked at is one of those.
function watched(value, path, unseen) {
  if (Array.isArray(value)) {
    return value.map((item, index) => watched(item, `${path}/${index}`, unseen));
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const fields = {};
  for (const [name, field] of Object.entries(value)) {
    const inner = watched(field, `${path}/${name}`, unseen);
    unseen.add(`${path}/${name}`);
    Object.defineProperty(fields, name, {
      enumerable: true,
      get() {
        unseen.delete(`${path}/${name}`);
        return inner;
      },
    });
  }
  return fields;
}

let wrong = 0;
for (const resource of JSON.parse(await text(process.stdin))) {
  const kind = `${resource.apiVersion} ${resource.kind}`;
  const Model = MODELS[kind];
  const unseen = new Set();
  const problems = [];
  try {
    if (!Model) {
      throw new Error("there is no schema");
    }
    // Called directly: a model made of it would read every field to copy it.
    Model.prototype.validate.call(watched(resource, "", unseen));
    problems.push(...[...unseen].map((path) => `${path} is not known`));
  } catch (error) {
    problems.push(error.message);
  }
  for (const problem of problems) {
    wrong = 1;
    console.log(`${kind} ${resource.metadata?.name}: ${problem}`);
  }
}
process.exitCode = wrong;
