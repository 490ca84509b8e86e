import fc from 'fast-check';

// A new seed at each run finds new cases on a developer's machine; CI must tell the same of the same code.
if (process.env['CI'] !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: 20_261_120 });
