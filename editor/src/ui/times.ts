/** Spans and moments of time in words. */

/** How long something took or takes: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`. */
export function span(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return joined(minutes, "min", whole % 60, "s");
  return joined(Math.floor(minutes / 60), "h", minutes % 60, "min");
}

/** When something happened, as short as it is clear: the time alone if it was today. */
export function moment(unix: number, now: Date = new Date()): string {
  const then = new Date(unix * 1000);
  const time = then.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  if (then.toDateString() === now.toDateString()) return time;
  return `${then.toLocaleDateString([], { day: "numeric", month: "short" })} ${time}`;
}

function joined(large: number, unit: string, small: number, part: string): string {
  return small ? `${large} ${unit} ${small} ${part}` : `${large} ${unit}`;
}
