"""Reads JSON lines {"bytes": base64, "end": bool}; says how h11, as a server, understands them."""
import base64
import json
import sys

import h11


def understand(data, end):
    messages = []
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 22)
    connection.receive_data(data)
    if end:
        connection.receive_data(b"")
    try:
        while True:
            event = connection.next_event()
            if event is h11.PAUSED:
                reply = h11.Response(status_code=200, headers=[("content-length", "0")])
                if connection.our_state is h11.SEND_RESPONSE:
                    connection.send(reply)
                    connection.send(h11.EndOfMessage())
                if connection.our_state is h11.DONE and connection.their_state is h11.DONE:
                    connection.start_next_cycle()
                    continue
                break
            if event is h11.NEED_DATA or isinstance(event, h11.ConnectionClosed):
                break
            if isinstance(event, h11.Request):
                messages.append(
                    {
                        "method": event.method.decode("latin1"),
                        "target": event.target.decode("latin1"),
                        "body": "",
                        "complete": False,
                    }
                )
            elif isinstance(event, h11.Data):
                messages[-1]["body"] += bytes(event.data).decode("latin1")
            elif isinstance(event, h11.EndOfMessage):
                messages[-1]["complete"] = True
                if connection.their_state is h11.MIGHT_SWITCH_PROTOCOL:
                    break
                if connection.our_state is h11.SEND_RESPONSE:
                    reply = h11.Response(status_code=200, headers=[("content-length", "0")])
                    connection.send(reply)
                    connection.send(h11.EndOfMessage())
                if connection.their_state is h11.DONE and connection.our_state is h11.DONE:
                    connection.start_next_cycle()
    except h11.RemoteProtocolError as error:
        return {"messages": messages, "problem": str(error)}
    return {"messages": messages, "problem": None}


for line in sys.stdin:
    question = json.loads(line)
    answer = understand(base64.b64decode(question["bytes"]), question["end"])
    print(json.dumps(answer), flush=True)
