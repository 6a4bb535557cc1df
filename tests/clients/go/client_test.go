package clients

import (
	"context"
	"testing"

	"google.golang.org/grpc"
	reflection "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

const serviceName = "cognito.identity.v1.CognitoIdentityService"

// A client made of what reflection tells, which makes calls as generated code does.
type client struct {
	connection *grpc.ClientConn
	methods    protoreflect.MethodDescriptors
}

func clientOf(t *testing.T, connection *grpc.ClientConn) client {
	t.Helper()
	files := map[string]*descriptorpb.FileDescriptorProto{}
	stream, err := reflection.NewServerReflectionClient(connection).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ask(t, stream, files, &reflection.ServerReflectionRequest{
		MessageRequest: &reflection.ServerReflectionRequest_FileContainingSymbol{
			FileContainingSymbol: serviceName,
		},
	})
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	set := &descriptorpb.FileDescriptorSet{}
	for _, file := range files {
		set.File = append(set.File, file)
	}
	registry, err := protodesc.NewFiles(set)
	if err != nil {
		t.Fatal(err)
	}
	found, err := registry.FindDescriptorByName(serviceName)
	if err != nil {
		t.Fatal(err)
	}
	return client{connection, found.(protoreflect.ServiceDescriptor).Methods()}
}

// Asks for files, and for those that they import.
func ask(
	t *testing.T,
	stream reflection.ServerReflection_ServerReflectionInfoClient,
	files map[string]*descriptorpb.FileDescriptorProto,
	question *reflection.ServerReflectionRequest,
) {
	t.Helper()
	if err := stream.Send(question); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	for _, encoded := range answer.GetFileDescriptorResponse().GetFileDescriptorProto() {
		file := &descriptorpb.FileDescriptorProto{}
		if err := proto.Unmarshal(encoded, file); err != nil {
			t.Fatal(err)
		}
		files[file.GetName()] = file
		for _, name := range file.GetDependency() {
			if files[name] == nil {
				ask(t, stream, files, &reflection.ServerReflectionRequest{
					MessageRequest: &reflection.ServerReflectionRequest_FileByFilename{
						FileByFilename: name,
					},
				})
			}
		}
	}
}

// Makes a call; messages are JSON.
func (client client) call(method, request string) (string, error) {
	descriptor := client.methods.ByName(protoreflect.Name(method))
	message := dynamicpb.NewMessage(descriptor.Input())
	if err := protojson.Unmarshal([]byte(request), message); err != nil {
		return "", err
	}
	answer := dynamicpb.NewMessage(descriptor.Output())
	path := "/" + serviceName + "/" + method
	if err := client.connection.Invoke(context.Background(), path, message, answer); err != nil {
		return "", err
	}
	return protojson.Format(answer), nil
}
