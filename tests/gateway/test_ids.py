"""Ids of requests: never the same twice, in no process."""

import os

from gateway.ids import request_id


def test_ids_are_32_hex_digits_and_differ() -> None:
    ids = [request_id() for _ in range(5000)]

    assert len(set(ids)) == len(ids)
    assert all(len(each) == 32 and int(each, 16) >= 0 and each == each.lower() for each in ids)


def test_a_forked_process_has_ids_of_its_own() -> None:
    request_id()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, "".join(request_id() for _ in range(20)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reader, 20 * 32).decode()
    os.close(reader)
    os.close(writer)

    assert len(theirs) == 20 * 32
    assert not {theirs[start : start + 32] for start in range(0, len(theirs), 32)} & {request_id() for _ in range(300)}
