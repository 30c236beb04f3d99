import { library, said } from './library.mjs';

const log = library('pino')();
for (const [message, fields] of said) log.info(fields, message);
log.child({ userId: 'u-3', model: 'gpt-4o' }).error({ prompt: 'fail', err: new Error('boom') }, 'failed');
