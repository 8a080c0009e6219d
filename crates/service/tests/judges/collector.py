"""A collector of traces: takes what OTLP over HTTP sends, and prints each span as a line of JSON."""

import http.server
import json

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse


class Collector(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        assert self.path == "/v1/traces" and self.headers["Content-Type"] == "application/x-protobuf", self.headers
        sent = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
        for of_resource in sent.resource_spans:
            service = {pair.key: pair.value.string_value for pair in of_resource.resource.attributes}["service.name"]
            for of_scope in of_resource.scope_spans:
                for span in of_scope.spans:
                    values = {pair.key: pair.value.string_value or pair.value.int_value for pair in span.attributes}
                    told = {
                        "service": service,
                        "name": span.name,
                        "trace": span.trace_id.hex(),
                        "span": span.span_id.hex(),
                        "parent": span.parent_span_id.hex(),
                        "began": span.start_time_unix_nano,
                        "ended": span.end_time_unix_nano,
                        "failed": span.status.code == 2,
                        "why": span.status.message,
                        "values": values,
                    }
                    print(json.dumps(told), flush=True)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(ExportTraceServiceResponse().SerializeToString())

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Collector)
print(server.server_port, flush=True)
server.serve_forever()
