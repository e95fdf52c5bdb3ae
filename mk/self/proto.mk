# protobuf-c sources and the descriptor set, made at build time.
PROTO := proto/boxd/v1/api.proto
PROTO_C := $(PROTO:proto/%.proto=$(BUILD)/gen/%.pb-c.c)
PROTO_O := $(PROTO_C:.c=.o)
DESCRIPTORS := $(BUILD)/gen/api.pb
REFLECT_O := $(BUILD)/gen/descriptors.o

$(PROTO_C) $(PROTO_C:.c=.h) &: $(PROTO)
	@mkdir -p $(@D)
	$(Q)protoc -Iproto --c_out=$(BUILD)/gen $<
	@# protobuf-c keeps "base" for itself: MachineSpec.base is base_ in C.
	$(Q)sed -i 's/^\(  .*MachineSpecBase \*base\);/\1_;/' $(PROTO_C:.c=.h)
	$(Q)sed -i 's/\(offsetof([A-Za-z0-9_]*MachineSpec, base\))/\1_)/' $(PROTO_C)
$(PROTO_O): $(PROTO_C) $(BUILD)/flags
	$(Q)$(CC) $(OUR_CFLAGS) -w $(OUR_CPPFLAGS) $(CPPFLAGS) $(CFLAGS) -O1 -c -o $@ $<
$(DESCRIPTORS): $(PROTO)
	@mkdir -p $(@D)
	$(Q)protoc -Iproto --include_imports --descriptor_set_out=$@ $<
# boxd_descriptors .. boxd_descriptors_end: the FileDescriptorSet's bytes.
$(REFLECT_O): $(DESCRIPTORS)
	$(Q)printf '.section .rodata\n.global boxd_descriptors\nboxd_descriptors:\n.incbin "%s"\n.global boxd_descriptors_end\nboxd_descriptors_end:\n.byte 0\n.section .note.GNU-stack,"",@progbits\n' $(DESCRIPTORS) | $(CC) -x assembler -c -o $@ -
# Whoever includes the generated header waits for it.
$(LIB_O) $(DAEMON_O) $(TOOLS:%=$(BUILD)/tools/%.o): | $(PROTO_C:.c=.h)
