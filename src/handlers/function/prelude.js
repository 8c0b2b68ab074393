// Runs before a module, in the same sandbox: captures console, stops the clock, takes away the fine-grained one.
(function (emit, now) {
  'use strict';
  const MAX_CHARS = 4000;
  const show = (value) => {
    if (typeof value === 'string') return value;
    if (value instanceof Error) return value.name + ': ' + value.message;
    if (typeof value !== 'object' || value === null) return String(value);
    try {
      return JSON.stringify(value) ?? String(value);
    } catch {
      return Object.prototype.toString.call(value);
    }
  };
  const writer = (level) => (...values) => emit(level, values.map(show).join(' ').slice(0, MAX_CHARS).toWellFormed());
  const console = {};
  for (const level of ['log', 'info', 'debug', 'warn', 'error']) console[level] = writer(level);
  globalThis.console = Object.freeze(console);

  const Clock = Date;
  const Still = function Date(...parts) {
    if (!new.target) return new Clock(now).toString();
    return Reflect.construct(Clock, parts.length ? parts : [now], new.target);
  };
  Still.prototype = Clock.prototype;
  Still.now = () => now;
  Still.parse = Clock.parse;
  Still.UTC = Clock.UTC;
  Clock.prototype.constructor = Still;
  globalThis.Date = Still;
  delete globalThis.performance;
})
