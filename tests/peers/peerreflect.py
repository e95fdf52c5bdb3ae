#!/usr/bin/env python3
"""gRPC reflection as a stock client asks for it, and what an unknown or
unserved method answers.  TAP on stdout.

SPDX-License-Identifier: Apache-2.0"""
import sys

import grpc
from google.protobuf import descriptor_pb2
from grpc_reflection.v1alpha import reflection_pb2 as pb
from tap import Tap

t = Tap("reflection")
SERVICE = "boxd.api.v1.BoxdApi"


def ask(channel, version, **what):
    call = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=pb.ServerReflectionRequest.SerializeToString,
        response_deserializer=pb.ServerReflectionResponse.FromString)
    request = pb.ServerReflectionRequest(host="h", **what)
    answers = list(call(iter([request, request]), timeout=10))
    t.ok(len(answers) == 2 and answers[0].original_request == request,
         f"{version}: each question has its answer, with the question in it")
    return answers[0]


def name_of(answer):
    f = descriptor_pb2.FileDescriptorProto.FromString(
        answer.file_descriptor_response.file_descriptor_proto[0])
    return [s.name for s in f.service], f.name


def refused(channel, method, metadata=None):
    try:
        channel.unary_unary(method)(b"", timeout=10, metadata=metadata)
    except grpc.RpcError as e:
        return e.code(), e.details()
    return None, ""


def main(socket, address):
    c = grpc.insecure_channel("unix:" + socket)
    for v in ("v1", "v1alpha"):
        services = ask(c, v, list_services="").list_services_response.service
        t.ok([s.name for s in services] == [SERVICE], f"{v}: the service is listed")
        names, file = name_of(ask(c, v, file_containing_symbol=SERVICE))
        t.ok(names == ["BoxdApi"], f"{v}: its file is found by its name")
        for symbol in (SERVICE + ".Exec", "boxd.api.v1.VmConfig"):
            t.ok(name_of(ask(c, v, file_containing_symbol=symbol))[1] == file,
                 f"{v}: and by {symbol}")
        t.ok(name_of(ask(c, v, file_by_filename=file))[1] == file, f"{v}: and by its own name")
        e = ask(c, v, file_containing_symbol="boxd.api.v1.Boxd").error_response
        t.ok(e.error_code == 5, f"{v}: another symbol is not found")
    code, text = refused(c, f"/{SERVICE}/ForkVm")
    t.ok(code == grpc.StatusCode.UNIMPLEMENTED and "ForkVm" in text,
         "a call that is not served is named")
    code, _ = refused(c, "/no.such/Thing")
    t.ok(code == grpc.StatusCode.UNIMPLEMENTED, "nor is one nobody knows")
    code, _ = refused(c, f"/{SERVICE}/GetVm")
    t.ok(code == grpc.StatusCode.INVALID_ARGUMENT, "an empty request is refused")
    tcp = grpc.insecure_channel(address)
    for metadata in (None, (("authorization", "Bearer x"),), (("authorization", "x"),)):
        code, _ = refused(tcp, f"/{SERVICE}/ListVms", metadata)
        t.ok(code == grpc.StatusCode.UNAUTHENTICATED, f"over TCP {metadata} is not enough")


main(*sys.argv[1:3])
sys.exit(t.end())
