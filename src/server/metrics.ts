/**
 * What a server counts, in the Prometheus text format 0.0.4: by kind of request and status, never by user, image or query.
 * @module
 */

/** One request that is over. */
export interface Observation {
  /** Kind of message, or name of the route. */
  readonly kind: string;
  readonly status: number;
  readonly seconds: number;
  /** Bytes of the request's body. */
  readonly received: number;
  /** Bytes of the response's body. */
  readonly sent: number;
}

// Upper bounds in seconds.
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

interface Histogram {
  readonly buckets: number[];
  sum: number;
  count: number;
}

export class Metrics {
  readonly #requests = new Map<string, number>();
  readonly #seconds = new Map<string, Histogram>();
  #received = 0;
  #sent = 0;

  observe({ kind, status, seconds, received, sent }: Observation): void {
    const labels = `kind="${kind}",status="${status}"`;
    this.#requests.set(labels, (this.#requests.get(labels) ?? 0) + 1);
    let histogram = this.#seconds.get(kind);
    if (histogram === undefined)
      this.#seconds.set(kind, (histogram = { buckets: BOUNDS.map(() => 0), sum: 0, count: 0 }));
    BOUNDS.forEach((bound, i) => (histogram.buckets[i]! += seconds <= bound ? 1 : 0));
    histogram.sum += seconds;
    histogram.count++;
    this.#received += received;
    this.#sent += sent;
  }

  /** @param inHand - Requests being answered at this moment. */
  text(inHand: number): string {
    const lines: string[] = [];
    const metric = (name: string, type: string, help: string): void => {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    };
    metric('blindsight_requests_total', 'counter', 'Requests by kind and HTTP status.');
    for (const [labels, count] of this.#requests) lines.push(`blindsight_requests_total{${labels}} ${count}`);
    metric(
      'blindsight_request_seconds',
      'histogram',
      'Time from the first byte of the body to the last of the answer.',
    );
    for (const [kind, { buckets, sum, count }] of this.#seconds) {
      BOUNDS.forEach((bound, i) =>
        lines.push(`blindsight_request_seconds_bucket{kind="${kind}",le="${bound}"} ${buckets[i]}`),
      );
      lines.push(
        `blindsight_request_seconds_bucket{kind="${kind}",le="+Inf"} ${count}`,
        `blindsight_request_seconds_sum{kind="${kind}"} ${sum}`,
        `blindsight_request_seconds_count{kind="${kind}"} ${count}`,
      );
    }
    metric('blindsight_received_bytes_total', 'counter', 'Bytes of request bodies.');
    lines.push(`blindsight_received_bytes_total ${this.#received}`);
    metric('blindsight_sent_bytes_total', 'counter', 'Bytes of response bodies.');
    lines.push(`blindsight_sent_bytes_total ${this.#sent}`);
    metric('blindsight_requests_in_hand', 'gauge', 'Requests being answered.');
    lines.push(`blindsight_requests_in_hand ${inHand}`);
    return `${lines.join('\n')}\n`;
  }
}
