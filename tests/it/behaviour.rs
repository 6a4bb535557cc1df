//! How pools, identities, developers' users, roles and tags behave: one suite, run over
//! gRPC, over the SDK in process and over HTTP, each with the state in memory and on the
//! disk.
//!
//! A scenario speaks AWS's JSON and does not know over what. Members that are empty are
//! left out of every answer, because gRPC does not tell them from those that are absent.

mod aws_json;
mod developer;
mod developer_users;
mod identities;
mod over;
mod pools;
mod roles;
mod sdk;
mod tags;
mod world;

use over::Over;
use world::{Kept, World};

/// Makes a test of each scenario over each transport with each kind of state.
macro_rules! everywhere {
    ($($room:ident { $($scenario:ident)+ })+) => {
        $(mod $room { $(mod $scenario {
            use crate::behaviour::{$room, Kept, Over, World};

            #[test]
            fn over_grpc_in_memory() {
                $room::$scenario(&World::new(Over::grpc, Kept::InMemory));
            }

            #[test]
            fn over_grpc_on_disk() {
                $room::$scenario(&World::new(Over::grpc, Kept::OnDisk));
            }

            #[test]
            fn over_the_sdk_in_memory() {
                $room::$scenario(&World::new(Over::sdk, Kept::InMemory));
            }

            #[test]
            fn over_the_sdk_on_disk() {
                $room::$scenario(&World::new(Over::sdk, Kept::OnDisk));
            }

            #[test]
            fn over_http_in_memory() {
                $room::$scenario(&World::new(Over::http, Kept::InMemory));
            }

            #[test]
            fn over_http_on_disk() {
                $room::$scenario(&World::new(Over::http, Kept::OnDisk));
            }
        })+ })+
    };
}

mod suite {
    everywhere! {
        developer {
            a_developers_user_gets_one_identity_and_a_token_of_fifteen_minutes
            principal_tags_of_the_request_are_in_the_token
            a_developers_token_opens_credentials_until_it_ends
            a_guests_token_proves_nothing
            only_the_pools_developer_provider_is_supported
            a_developers_user_is_linked_to_an_identity_whose_logins_are_given_too
            a_user_of_another_identity_is_registered_already
        }
        developer_users {
            a_lookup_goes_from_user_to_identity_and_back
            merging_moves_the_source_to_the_destination
            identities_with_different_users_of_one_provider_cannot_be_merged
            an_identity_has_twenty_logins_at_most
            an_unlinked_user_gets_a_new_identity_and_the_last_one_disables_the_old
        }
        identities {
            every_guest_is_a_new_identity
            a_user_keeps_the_identity_when_the_token_is_refreshed
            a_user_gets_one_identity_however_many_ask_at_once
            the_same_user_is_another_identity_in_another_pool
            a_second_login_is_linked_to_the_identity_of_the_first
            logins_of_two_identities_merge_them_and_the_elder_survives
            an_identity_has_one_user_of_a_provider
            identities_are_listed_page_by_page
            deleted_identities_are_gone_and_their_users_get_new_ones
            unlinking_needs_a_login_of_the_identity_and_the_last_one_disables_it
        }
        pools {
            a_server_side_check_that_is_left_out_is_echoed_as_false
            the_classic_flow_has_three_states_and_an_update_without_it_unsets_it
            an_update_resets_the_providers_and_keeps_the_developers_name_and_the_tags
            a_developer_provider_can_be_added_later_and_never_renamed
            providers_that_cannot_be_are_refused
            a_deleted_pool_is_gone_with_its_identities
            pools_are_listed_page_by_page_each_once_and_of_one_region
            a_page_token_that_was_not_handed_out_is_refused
        }
        roles {
            roles_and_mappings_are_replaced_and_left_out_when_there_are_none
            mappings_that_make_no_sense_are_refused
            a_role_of_another_account_cannot_be_passed
        }
        tags {
            tags_are_added_replaced_and_removed_by_arn
            an_arn_without_account_means_ones_own
            a_pool_has_fifty_tags_at_most
            a_principal_tag_map_is_stored_for_each_provider_of_the_pool
        }
    }
}
