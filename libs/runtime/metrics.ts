import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** A process's registry, with Node's metrics. Names are `pulso_<service>_<what>_<unit>`. */
export const createMetrics = (): Registry => {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return registry
}

type MetricOptions = { readonly name: string; readonly help: string; readonly labelNames?: readonly string[] }

export const counter = (registry: Registry, options: MetricOptions): Counter =>
  new Counter({ ...options, labelNames: [...(options.labelNames ?? [])], registers: [registry] })

export const gauge = (
  registry: Registry,
  options: MetricOptions & { readonly collect?: () => void | Promise<void> },
): Gauge => {
  const { collect, ...rest } = options
  return new Gauge({
    ...rest,
    labelNames: [...(rest.labelNames ?? [])],
    registers: [registry],
    ...(collect ? { collect } : {}),
  })
}

export const histogram = (
  registry: Registry,
  options: MetricOptions & { readonly buckets: readonly number[] },
): Histogram =>
  new Histogram({
    ...options,
    labelNames: [...(options.labelNames ?? [])],
    buckets: [...options.buckets],
    registers: [registry],
  })
