// A real SMTP server for the tests: takes its settings as JSON in the first argument, prints its port and then what it
// hears as JSON lines, and ends when its standard input does.
//
// {"security": "plain" | "starttls" | "tls", "key": PEM, "cert": PEM, "user": "...", "password": "..."}
//
// How it behaves is told by the local part of a recipient:
//   later@   451 at RCPT TO          nobody@  550 at RCPT TO
//   spam@    554 after the message   drop@    closes the connection after the message
//   once@    451 after the message, the first time only
//   stall@   never answers the message
import { SMTPServer } from 'smtp-server';

const settings = JSON.parse(process.argv[2] ?? '{}');
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const refusal = (responseCode, message) => Object.assign(new Error(message), { responseCode });
const local = (address) => address.address.split('@')[0];
const seen = new Set();

const server = new SMTPServer({
  secure: settings.security === 'tls',
  disabledCommands: [...(settings.security === 'plain' ? ['STARTTLS'] : []), ...(settings.user ? [] : ['AUTH'])],
  ...(settings.cert ? { key: settings.key, cert: settings.cert } : {}),
  authOptional: !settings.user,
  disableReverseLookup: true,
  onConnect(session, done) {
    say({ event: 'connect', secure: session.secure });
    done();
  },
  onAuth(auth, session, done) {
    const fine = auth.username === settings.user && auth.password === settings.password;
    say({ event: 'auth', fine, secure: session.secure });
    done(fine ? null : refusal(535, '5.7.8 wrong name or password'), fine ? { user: auth.username } : undefined);
  },
  onMailFrom(address, session, done) {
    say({ event: 'from', address: address.address, secure: session.secure });
    done();
  },
  onRcptTo(address, _session, done) {
    say({ event: 'to', address: address.address });
    if (local(address) === 'later') return done(refusal(451, '4.3.0 try later'));
    if (local(address) === 'nobody') return done(refusal(550, '5.1.1 no such user'));
    return done();
  },
  onData(stream, session, done) {
    const parts = [];
    stream.on('data', (part) => parts.push(part));
    stream.on('end', () => {
      const recipients = session.envelope.rcptTo.map((to) => to.address);
      say({ event: 'mail', secure: session.secure, user: session.user ?? null, recipients, raw: Buffer.concat(parts).toString('utf8') });
      const names = session.envelope.rcptTo.map(local);
      if (names.includes('stall')) return;
      if (names.includes('drop')) return void [...server.connections].find((c) => c.id === session.id)?._socket.destroy();
      if (names.includes('spam')) return done(refusal(554, '5.7.1 looks like spam'));
      if (names.includes('once') && !seen.has(recipients.join())) {
        seen.add(recipients.join());
        return done(refusal(451, '4.3.2 not now'));
      }
      done(null, 'queued');
    });
  },
});
// A client that hangs up in the middle, or refuses our certificate, is part of the game.
server.on('error', (error) => say({ event: 'error', message: error.message }));
server.listen(0, '127.0.0.1', () => say({ port: server.server.address().port }));
process.stdin.on('end', () => process.exit(0)).resume();
