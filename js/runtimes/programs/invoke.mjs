// Invokes a handler as Lambda does: the module is loaded once, and called once for each event.

const [file, ...events] = process.argv.slice(2);
const { handler } = await import(file);
const answers = [];
for (const event of events) answers.push(await handler(JSON.parse(event), {}));
console.log(JSON.stringify(answers));
