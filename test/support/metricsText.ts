/**
 * Reads Prometheus' text format as strictly as Prometheus does: each sample by its name with labels.
 *
 * @throws Error where a line is not of the format, a sample has no type, or one is there twice
 */
export function readMetrics(text: string): Map<string, number> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const types = new Map<string, string>();
  const samples = new Map<string, number>();
  for (const line of text.slice(0, -1).split('\n')) {
    const [, named, type] = /^# TYPE ([a-z_]+) (counter|gauge|summary)$/.exec(line) ?? [];
    if (named !== undefined && type !== undefined) {
      if (types.has(named)) throw new Error(`two types: ${line}`);
      types.set(named, type);
      continue;
    }
    if (/^# HELP [a-z_]+ \S.*$/.test(line)) continue;
    const sample = /^(([a-z_]+)(?:\{(?:[a-z]+="(?:[^"\\\n]|\\.)*",?)+\})?) (-?[\d.e+-]+)$/.exec(line);
    const [, key = '', name = '', value] = sample ?? [];
    if (sample === null || samples.has(key)) throw new Error(`no sample, or one twice: ${line}`);
    if (!types.has(name) && types.get(name.replace(/_(sum|count)$/, '')) !== 'summary')
      throw new Error(`no type: ${line}`);
    samples.set(key, Number(value));
  }
  return samples;
}
