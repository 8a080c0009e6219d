// Pushes a file in pieces with tus-js-client: breaks off once, goes on, and says where the upload is.
// usage: node tus.cjs ENDPOINT TOKEN FILE
const fs = require("fs");
const tus = require("tus-js-client");

const [endpoint, token, file] = process.argv.slice(2);
let place = null;

function send(breakOffAt) {
    return new Promise((resolve, reject) => {
        const upload = new tus.Upload(fs.createReadStream(file), {
            endpoint,
            uploadUrl: place,
            uploadSize: fs.statSync(file).size,
            chunkSize: 512,
            retryDelays: [0, 200, 400],
            metadata: { filename: "tờ khai.png", priority: "counter" },
            headers: { Authorization: `Bearer ${token}` },
            onUploadUrlAvailable: () => { place = upload.url; },
            onChunkComplete: (_, sent) => { if (sent >= breakOffAt) upload.abort().then(() => resolve(sent)); },
            onSuccess: () => resolve("whole"),
            onError: reject,
        });
        upload.start();
    });
}

(async () => {
    const sent = await send(1024);
    if (sent === "whole") throw new Error("the file is too small to break off");
    if (await send(Infinity) !== "whole") throw new Error("it did not go on");
    console.log(place);
})().catch((error) => { console.error(String(error)); process.exit(1); });
